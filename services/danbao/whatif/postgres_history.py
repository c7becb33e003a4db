"""The log in Postgres, as of any position: one short statement each, no snapshot is held."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from uuid import UUID

import asyncpg

from danbao.analysis.balances import balances_as_of
from danbao.kernel.loaded import Account
from danbao.kernel.messages import LogRow
from danbao.kernel.postgres.rows import to_log_row
from danbao.kernel.sql import load_queries
from danbao.whatif.decisions import Entry, KeptCommand
from danbao.whatif.history import STREAM_ROWS_MAX, StreamRow

Q = load_queries("danbao.whatif", "history.sql")
COLUMNS = len(LogRow.__struct_fields__)


class PostgresHistory:
    """The real side of History: one connection reads ahead, the other looks up."""

    def __init__(self, ahead: asyncpg.Connection, connection: asyncpg.Connection) -> None:
        self._ahead = ahead
        self._connection = connection

    async def incarnation(self) -> UUID:
        """Which log this is."""
        found: UUID = await self._connection.fetchval(Q["incarnation"])
        return UUID(bytes=found.bytes)

    async def entries(self, after: int, upto: int) -> Sequence[Entry]:
        """Give the events of a stretch."""
        return [_entry(row) for row in await self._ahead.fetch(Q["entries"], after, upto)]

    async def rows_of_streams(
        self, after: Mapping[str, int], upto: int
    ) -> Mapping[str, Sequence[StreamRow]]:
        """Give the next rows of streams."""
        names, versions = list(after), list(after.values())
        rows = await self._connection.fetch(
            Q["rows_of_streams"], names, versions, upto, STREAM_ROWS_MAX
        )
        return {
            stream: [StreamRow(row[1], row[2], row[3]) for row in found]
            for stream, found in groupby(rows, key=lambda row: str(row[0]))
        }

    async def sources(
        self, flows: Iterable[str], ids: Iterable[str], upto: int
    ) -> Sequence[LogRow]:
        """Give the events of flows that have these ids."""
        rows = await self._connection.fetch(Q["sources"], list(flows), list(ids), upto)
        return [to_log_row(row) for row in rows]

    async def balances(self, accounts: Iterable[Account], position: int) -> Mapping[Account, int]:
        """Give what each account came to at a position."""
        return await balances_as_of(self._connection, accounts, position)


def _entry(row: asyncpg.Record) -> Entry:
    values = tuple(row)  # in the order of the fields: by name it takes twice as long
    command = None if values[COLUMNS + 2] is None else KeptCommand(*values[COLUMNS + 1 :])
    return Entry(LogRow(*values[:COLUMNS]), values[COLUMNS], command)
