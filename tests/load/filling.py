"""Writes what a day in memory left behind into Postgres, as the engine's own append does."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, groupby
from uuid import UUID

import msgspec
from tests.load.market import play_market

from danbao.contracts.catalogue import service_of
from danbao.kernel.memory.tables import StoredAnswer, Tables
from danbao.kernel.messages import Answer, LogRow, Row, StateChange, Writes
from danbao.kernel.postgres.store import PostgresStore

FIRST_DAY = datetime(2026, 1, 5, 1, tzinfo=UTC)
TRADES_A_DAY = 1_000
STREAMS_MAX = 2_000
"""Streams in one transaction."""


async def days(incarnation: UUID, trades: int = TRADES_A_DAY) -> AsyncIterator[Tables]:
    """Give market days without end, one day of the calendar after the other."""
    for number in count():
        start = FIRST_DAY + timedelta(days=number)
        yield await play_market(trades, 1_000 + number, incarnation, start)


async def append(store: PostgresStore, tables: Tables, rows: Sequence[LogRow]) -> None:
    """Append some of a day's rows with their answers, one transaction for each batch."""
    answers = {stored.first_position: stored for stored in tables.inbox.values()}
    for (now, service), together in groupby(
        rows, key=lambda row: (row.recorded_at, service_of(row.type))
    ):
        batch = list(together)
        base = batch[0].position - 1
        writes = Writes(
            now,
            tables.incarnation,
            rows=[_row(tables, row) for row in batch],
            answers=[
                _answer(answers[row.position], base) for row in batch if row.position in answers
            ],
        )
        async with store.unit() as unit:
            await unit.write(service, writes)


async def keep(store: PostgresStore, tables: Tables) -> None:
    """Write what the kernel keeps beside the log, as it is when the day is over."""
    now, incarnation = tables.recorded_at, tables.incarnation
    streams = sorted(tables.states)
    for start in range(0, len(streams), STREAMS_MAX):
        names = streams[start : start + STREAMS_MAX]
        states = [
            StateChange(name, 0, found.version, found.fold_version, found.state or "null")
            for name in names
            for found in (tables.states[name],)
        ]
        async with store.unit() as unit:
            await unit.lock_streams(names)
            await unit.write("load", Writes(now, incarnation, states=states))
    facts = {key: data for key, data in tables.facts.items() if data is not None}
    async with store.unit() as unit:
        balances = dict(tables.balances)
        await unit.write("load", Writes(now, incarnation, facts=facts, balances=balances))
    assert not tables.timers, "a day ends when no deadline runs"


def _answer(stored: StoredAnswer, base: int) -> Answer:
    return msgspec.structs.replace(
        stored.answer, first=stored.first_position - base, last=stored.last_position - base
    )


def _row(tables: Tables, row: LogRow) -> Row:
    return Row(
        row.stream,
        row.version,
        row.type,
        row.schema_version,
        row.partition_key,
        row.event_id,
        row.causation_id,
        row.correlation_id,
        row.actor,
        row.traceparent,
        row.data,
        row.postings,
        tables.leaves[row.position - 1].row_hash,
    )


def renumbered(days: Iterable[Tables]) -> list[LogRow]:
    """The rows of several days with the positions that they have in one log."""
    rows = [row for tables in days for row in tables.log]
    return [msgspec.structs.replace(row, position=n) for n, row in enumerate(rows, start=1)]
