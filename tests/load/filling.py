"""Appends rows of logs in memory to a log in Postgres, as the engine's own append does."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count, groupby
from uuid import UUID

from tests.load.market import play_market

from danbao.kernel.ids import event_id
from danbao.kernel.messages import LogRow, Row, Writes
from danbao.kernel.store import PostgresStore
from danbao.proofs.leaf import row_hash

FIRST_DAY = datetime(2026, 1, 5, 1, tzinfo=UTC)
BATCH_ROWS_MAX = 500
TRADES_A_DAY = 1_000


async def days(trades: int = TRADES_A_DAY) -> AsyncIterator[Sequence[LogRow]]:
    """Give logs of market days without end, one day of the calendar after the other."""
    for number in count():
        yield await play_market(trades, 1_000 + number, FIRST_DAY + timedelta(days=number))


async def append(store: PostgresStore, rows: Sequence[LogRow]) -> None:
    """Append rows with ids and hashes of this log, one transaction for each time."""
    incarnation = await store.incarnation()
    for now, together in groupby(rows, key=lambda row: row.recorded_at):
        same = list(together)
        for start in range(0, len(same), BATCH_ROWS_MAX):
            batch = [_row(incarnation, row) for row in same[start : start + BATCH_ROWS_MAX]]
            async with store.unit() as unit:
                await unit.write("load", Writes(now, incarnation, rows=batch))


def _row(incarnation: UUID, row: LogRow) -> Row:
    name = event_id(incarnation, row.stream, row.version)
    fields = (
        row.stream,
        row.version,
        row.type,
        row.schema_version,
        row.partition_key,
        name,
        row.causation_id,
        row.correlation_id,
        row.actor,
        row.data,
        row.postings,
    )
    return Row(*fields[:9], row.traceparent, row.data, row.postings, row_hash(fields))
