"""What a scrape asks of Postgres and Kafka, by process: a handful of small queries."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeAlias

import asyncpg

from danbao.kernel.lag import LagMeter
from danbao.kernel.sql import load_queries
from danbao.ledger.books import BookLine, equations
from danbao.ledger.checks import coverages
from danbao.metrics.sample import Sample, Samples

Q = load_queries("danbao.metrics", "figures.sql")

Question: TypeAlias = Callable[[asyncpg.Connection], Awaitable[Samples]]


async def ask_relay(connection: asyncpg.Connection) -> Samples:
    """How far the log is published."""
    row = await connection.fetchrow(Q["relay"])
    if row is None:
        return []
    return [
        Sample("danbao_log_events", row["position"]),
        Sample("danbao_log_bytes", row["log_bytes"]),
        Sample("danbao_relay_lag_events", row["position"] - row["confirmed_position"]),
        Sample("danbao_relay_delay_seconds", max(0.0, row["delay_s"])),
    ]


async def ask_projector(connection: asyncpg.Connection) -> Samples:
    """How far each read model is."""
    samples = []
    for row in await connection.fetch(Q["projections"]):
        model = (row["name"],)
        samples.append(Sample("danbao_projection_lag_events", row["lag"], model))
        samples.append(Sample("danbao_projection_delay_seconds", max(0.0, row["delay_s"]), model))
    return samples


async def ask_bookkeeper(connection: asyncpg.Connection) -> Samples:
    """How the books stood when they were closed last; that they are right, `ledger check` says."""
    row = await connection.fetchrow(Q["closing"])
    if row is None:
        return []
    found = await connection.fetch(Q["trial_balance"], row["upto"])
    lines = [BookLine.of_net(*each) for each in found]
    gaps = [
        Sample("danbao_reserve_gap_minor", e.assets_minor - e.liabilities_minor, (e.currency,))
        for e in equations(lines)
    ]
    covers = [
        Sample("danbao_reserve_cover_minor", c.money_minor - c.claims_minor, (c.currency,))
        for c in coverages(lines)
    ]
    return [Sample("danbao_closing_lag_events", row["lag"]), *gaps, *covers]


def ask_scheduler(meter: LagMeter, services: Sequence[str]) -> Question:
    """What waits anywhere: the scheduler has the least to do, so it tells for all services."""

    async def ask(connection: asyncpg.Connection) -> Samples:
        row = await connection.fetchrow(Q["timers"])
        assert row is not None
        letters = {each[0]: each[1] for each in await connection.fetch(Q["letters"])}
        lags = await meter.read(connection)
        return [
            Sample("danbao_overdue_timers", row["overdue"]),
            Sample("danbao_timer_delay_seconds", max(0.0, row["delay_s"])),
            *(Sample("danbao_lag_records", lag, places) for places, lag in lags.items()),
            *(
                Sample("danbao_waiting_letters", letters.get(service, 0), (service,))
                for service in services
            ),
        ]

    return ask


QUESTIONS: Final[Mapping[str, Question]] = {
    "relay": ask_relay,
    "projector": ask_projector,
    "bookkeeper": ask_bookkeeper,
}
"""By name of the process; the scheduler's needs a `LagMeter`."""
