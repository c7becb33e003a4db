"""A whole staged measurement: an engine of its own, accounts, a warm-up, rounds, the verdict."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from danbao.bench.drain import Drain, Round
from danbao.bench.errors import VoidError
from danbao.bench.place import Place, own_engine
from danbao.bench.standing import read_counts
from danbao.bench.verdict import Sent, check_counts, run_audit
from danbao.bench.whole_trades import WholeTrades
from danbao.engine.idle import what_moves
from danbao.kernel.postgres import PATIENT, connect
from danbao.publisher import Limits, parse_lines, publish
from danbao.testing.market import encode_lines

IDLE_WITHIN_S = 60.0
LOOK_EVERY_S = 0.1

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to measure."""

    trades: int = 10_000
    """Whole trades of a round."""
    rounds: int = 3
    warm_up: int = 1_000
    """Trades drained before anything is measured: Kafka compiles, caches fill."""
    merchants: int = 1_000
    hot: float = 0.0
    """Share of all trades that go to one merchant, besides what Zipf gives it."""
    seed: int = 1
    workers: Sequence[str] = field(default_factory=tuple)
    """Such as `escrow=2`."""
    home: Path | None = None
    audit: str = ""
    """A command that ends with status 0 when the books are right."""


def measure_drain(wanted: Wanted, report: Report) -> list[Round]:
    """Run the whole measurement; gives the rounds in their order.

    Raises:
        VoidError: the run does not count.
    """
    with own_engine(wanted.workers, home=wanted.home) as place:
        report(f"an engine runs in {place.home}")
        return asyncio.run(_measure(place, wanted, report))


async def _measure(place: Place, wanted: Wanted, report: Report) -> list[Round]:
    connection = await connect(
        place.record().postgres_dsn, purpose="bench", timeouts=PATIENT, role=None
    )
    try:
        drain = Drain(place.record, place.home, connection)
        counts = [wanted.warm_up, *[wanted.trades] * wanted.rounds]
        rounds, sent = [], Sent(0, 0, 0)
        for number, trades in enumerate(counts):
            plan = WholeTrades(
                trades, wanted.seed + number, merchants=wanted.merchants, hot=wanted.hot
            )
            accounts = await open_accounts(place, plan)
            report(
                f"round {number} of {wanted.rounds}: {trades:,} trades"
                + " (warm-up)" * (not number)
            )
            rounds.append(await drain.round(plan, trades, report))
            sent = Sent(
                sent.trades + trades,
                sent.commands + accounts.commands + 4 * trades,
                sent.account_events + accounts.account_events,
            )
        check_counts(await read_counts(connection), sent)
    finally:
        await connection.close()
    if wanted.audit:
        report("auditing")
        run_audit(wanted.audit, place.record())
    return rounds[1:]


async def open_accounts(place: Place, plan: WholeTrades) -> Sent:
    """Open the accounts of a plan, and wait until nothing is in flight."""
    record = place.record()
    lines = parse_lines(encode_lines(plan.accounts()), "accounts")
    connection = await connect(record.postgres_dsn, purpose="bench", timeouts=PATIENT, role=None)
    try:
        before = await read_counts(connection)
        run = await publish(record.kafka_bootstrap, [lines], limits=Limits(timeout_s=IDLE_WITHIN_S))
        deadline = time.monotonic() + IDLE_WITHIN_S
        while moving := await what_moves(connection, record.kafka_bootstrap, record.partitions):
            if time.monotonic() > deadline:
                raise VoidError(f"still in flight: {', '.join(moving)}")
            await asyncio.sleep(LOOK_EVERY_S)
        after = await read_counts(connection)
    finally:
        await connection.close()
    return Sent(0, run.command_ids, after["head"] - before["head"])
