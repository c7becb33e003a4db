"""Reads the log page by page: each page is one short statement, never one long snapshot."""

from collections.abc import AsyncIterator

import asyncpg

from danbao.analysis.wanted import Wanted
from danbao.kernel.messages import LogRow
from danbao.kernel.postgres.rows import to_log_row
from danbao.kernel.sql import load_queries

SLICE_POSITIONS = 5_000
"""Positions looked at in one statement when no flow or stream is asked for."""
PAGE_ROWS = 1_000
"""Events of one flow or stream in one statement."""
COUNT_POSITIONS = 100_000
"""Positions counted in one statement."""

Q = load_queries("danbao.analysis", "log_pages.sql")


async def last_position(connection: asyncpg.Connection) -> int:
    """Return where the log ends now."""
    return int(await connection.fetchval(Q["head"]))


async def read_events(
    connection: asyncpg.Connection, wanted: Wanted, after: int, upto: int
) -> AsyncIterator[LogRow]:
    """Give the wanted events with `after` < position <= `upto`, in order."""
    pages = _slices if wanted.stream is None and wanted.flow is None else _pages
    async for row in pages(connection, wanted, after, upto):
        if row.position > upto:
            return
        if row.position > after and wanted.takes(row):
            yield row


async def count_events(
    connection: asyncpg.Connection, wanted: Wanted, after: int, upto: int
) -> int:
    """Count the wanted events with `after` < position <= `upto`."""
    if wanted == Wanted():
        return max(0, upto - after)
    if wanted.stream is not None or wanted.flow is not None:
        found = (wanted.flow, wanted.stream, wanted.like)
        return int(await connection.fetchval(Q["count_few"], after, upto, *found))
    total = 0
    for start in range(after, upto, COUNT_POSITIONS):
        end = min(start + COUNT_POSITIONS, upto)
        total += await connection.fetchval(Q["count"], start, end, wanted.like)
    return total


async def _slices(
    connection: asyncpg.Connection, wanted: Wanted, after: int, upto: int
) -> AsyncIterator[LogRow]:
    """Walk through the whole log."""
    for start in range(after, upto, SLICE_POSITIONS):
        end = min(start + SLICE_POSITIONS, upto)
        for row in await connection.fetch(Q["slice"], start, end, wanted.like):
            yield to_log_row(row)


async def _pages(
    connection: asyncpg.Connection, wanted: Wanted, after: int, upto: int
) -> AsyncIterator[LogRow]:
    """Walk through one stream by version, or one flow by position."""
    by_stream = wanted.stream is not None
    query = Q["stream"] if by_stream else Q["flow"]
    key, last = wanted.stream or wanted.flow, 0 if by_stream else after
    while True:
        rows = [to_log_row(row) for row in await connection.fetch(query, key, last, PAGE_ROWS)]
        for row in rows:
            yield row
        if len(rows) < PAGE_ROWS or rows[-1].position >= upto:
            return
        last = rows[-1].version if by_stream else rows[-1].position
