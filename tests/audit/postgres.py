"""The tables of the contract, read from Postgres in slices and never under one snapshot."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import asyncpg

from .rows import Checkpoint, Head, InboxRow, Letter, Offset, ReadRow, Row, Timer
from .tables import MODEL_KEYS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime

SLICE_ROWS: Final = 5_000

ROW_COLUMNS: Final = """
    shard, position, stream, version, type, schema_version, partition_key, event_id::text,
    causation_id::text, correlation_id::text, actor, traceparent, recorded_at, data::text,
    postings::text, row_hash, leaf_hash
"""
LOG: Final = f"""
    SELECT {ROW_COLUMNS} FROM danbao.event_log
    WHERE shard = $1 AND position > $2 AND position <= $3 ORDER BY position LIMIT {SLICE_ROWS}
"""
AT: Final = f"""
    SELECT {ROW_COLUMNS} FROM danbao.event_log WHERE shard = $1 AND position = ANY($2::bigint[])
"""
NEXT_SHARD: Final = """
    SELECT shard FROM danbao.event_log WHERE shard > $1 ORDER BY shard LIMIT 1
"""
INBOX_COLUMNS: Final = """
    message_id, body_sha256, service, type, partition_key, actor, body::text, first_position,
    last_position
"""
OFFSETS: Final = """
    SELECT service, topic, partition, next_offset, last_sequence, anchor_offset
    FROM danbao.consumer_offsets
"""
LETTERS: Final = """
    SELECT service, topic, partition, record_offset FROM danbao.dead_letters
    WHERE topic_lost_at IS NULL
"""
TIMERS: Final = "SELECT timer_id::text, stream, type, due_at FROM danbao.timers"
NOW: Final = "SELECT clock_timestamp() + danbao.clock_moved()"
POSITION_MAX: Final = 2**63 - 1


class PostgresTables:
    """Raw rows through one connection; `live` leaves out what comes after the heads."""

    def __init__(self, connection: asyncpg.Connection[Any], *, live: bool = False) -> None:
        """Keep the connection, which belongs to the caller."""
        self._connection = connection
        self._live = live

    async def heads(self) -> list[Head]:
        """Read `danbao.log_heads`."""
        query = "SELECT shard, position, recorded_at FROM danbao.log_heads ORDER BY shard"
        return [Head(*record) for record in await self._connection.fetch(query)]

    async def checkpoints(self) -> list[Checkpoint]:
        """Read `danbao.log_checkpoints`, when there is such a table."""
        if not await self._has("danbao.log_checkpoints"):
            return []
        query = "SELECT shard, size, root FROM danbao.log_checkpoints"
        records = await self._connection.fetch(query)
        return [Checkpoint(shard, size, bytes(root)) for shard, size, root in records]

    async def log(self) -> AsyncIterator[Sequence[Row]]:
        """Read `danbao.event_log` by shard and position; a gap shows, it does not stop us."""
        heads = {head.shard: head.position for head in await self.heads()}
        shard = await self._connection.fetchval(NEXT_SHARD, -1)
        while shard is not None:
            end = heads.get(shard, 0) if self._live else POSITION_MAX
            position = -1
            while records := await self._connection.fetch(LOG, shard, position, end):
                yield [Row(*record) for record in records]
                position = records[-1]["position"]
            shard = await self._connection.fetchval(NEXT_SHARD, shard)

    async def at(self, shard: int, positions: Sequence[int]) -> dict[int, Row]:
        """Read the rows at some positions."""
        records = await self._connection.fetch(AT, shard, sorted(set(positions)))
        return {record["position"]: Row(*record) for record in records}

    async def inbox(self) -> AsyncIterator[Sequence[InboxRow]]:
        """Read `danbao.inbox` by message id."""
        async for records in self._slices("danbao.inbox", INBOX_COLUMNS, ("message_id",)):
            yield [
                InboxRow(str(message_id), bytes(body_sha256), *rest)
                for message_id, body_sha256, *rest in records
            ]

    async def model(self, name: str) -> AsyncIterator[Sequence[ReadRow]]:
        """Read `danbao_read.<name>` by its key; one that is missing has no rows."""
        table = f"danbao_read.{name}"
        if await self._has(table):
            async for records in self._slices(table, "*", MODEL_KEYS[name]):
                yield [_plain(record) for record in records]

    async def offsets(self) -> list[Offset]:
        """Read `danbao.consumer_offsets`."""
        return [Offset(*record) for record in await self._connection.fetch(OFFSETS)]

    async def letters(self) -> set[Letter]:
        """Read the places of `danbao.dead_letters`."""
        return {tuple(record) for record in await self._connection.fetch(LETTERS)}

    async def timers(self) -> list[Timer]:
        """Read `danbao.timers`."""
        return [Timer(*record) for record in await self._connection.fetch(TIMERS)]

    async def now(self) -> datetime:
        """Ask what time it is there."""
        now: datetime = await self._connection.fetchval(NOW)
        return now

    async def _has(self, table: str) -> bool:
        found = await self._connection.fetchval("SELECT to_regclass($1) IS NOT NULL", table)
        return bool(found)

    async def _slices(
        self, table: str, columns: str, key: tuple[str, ...]
    ) -> AsyncIterator[list[asyncpg.Record]]:
        """Read a table by its key, each slice a statement of its own."""
        names = ", ".join(key)
        places = ", ".join(f"${number}" for number in range(1, len(key) + 1))
        select = f"SELECT {columns} FROM {table}"
        order = f"ORDER BY {names} LIMIT {SLICE_ROWS}"
        records = await self._connection.fetch(f"{select} {order}")
        while records:
            yield records
            last = [records[-1][name] for name in key]
            after = f"{select} WHERE ({names}) > ({places}) {order}"
            records = await self._connection.fetch(after, *last)


@asynccontextmanager
async def open_tables(dsn: str, *, live: bool = False) -> AsyncIterator[PostgresTables]:
    """Connect, read only, and close again."""
    settings = {"default_transaction_read_only": "on", "application_name": "danbao-audit"}
    connection = await asyncpg.connect(dsn, server_settings=settings)
    try:
        yield PostgresTables(connection, live=live)
    finally:
        await connection.close()


def _plain(record: asyncpg.Record) -> ReadRow:
    """Turn a record into a dict, with ids as text."""
    return {
        name: str(value) if isinstance(value, UUID) else value for name, value in record.items()
    }
