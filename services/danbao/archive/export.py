"""From the log into an archive: slices by position, each one short statement.

While Postgres writes a slice the one before is compressed in another thread, so both cores work.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import asyncpg

from danbao.analysis.wanted import Wanted
from danbao.archive.columns import parse_slice
from danbao.archive.errors import ArchiveError
from danbao.archive.manifest import Manifest
from danbao.archive.writing import Archive, open_archive
from danbao.kernel.sql import load_queries

Q = load_queries("danbao.archive", "reading.sql")
SLICE_POSITIONS = 25_000
"""Positions in one statement."""

Report = Callable[[int], None]
"""Takes the position that was reached."""


async def export(
    connection: asyncpg.Connection,
    folder: Path,
    upto: int,
    *,
    wanted: Wanted | None = None,
    after: int = 0,
    report: Report = lambda _: None,
) -> Manifest:
    """Bring an archive up to a position; it goes on where it ended.

    Raises:
        ArchiveError: see `open_archive`; or the log no longer says what the archive has.
    """
    fresh = await fresh_manifest(connection, wanted or Wanted(), after)
    with open_archive(folder, fresh) as archive:
        await check_end(connection, archive.manifest)
        await _fill(connection, archive, upto, report)
        return archive.manifest


async def fresh_manifest(connection: asyncpg.Connection, wanted: Wanted, after: int) -> Manifest:
    """An archive of this log that has nothing yet."""
    head = await connection.fetchrow(Q["head"])
    assert head is not None
    return Manifest(incarnation=str(head["incarnation"]), wanted=wanted, after=after, upto=after)


async def check_end(connection: asyncpg.Connection, manifest: Manifest) -> None:
    """Hold that the log has, where the archive's last file ends, the same event still."""
    if not manifest.files:
        return
    last = manifest.files[-1].upto
    leaf = await connection.fetchval(Q["leaf"], last)
    if leaf is None or leaf.hex() != manifest.leaf_hash:
        raise ArchiveError(
            f"the log has another event at position {last}, or none",
            todo="The log was changed or restored: verify it before the archive goes on.",
        )


async def _fill(
    connection: asyncpg.Connection, archive: Archive, upto: int, report: Report
) -> None:
    wanted, begin = archive.manifest.wanted, archive.manifest.upto
    adding: asyncio.Future[None] | None = None
    for start in range(begin, upto, SLICE_POSITIONS):
        end = min(start + SLICE_POSITIONS, upto)
        text = await read_slice(connection, wanted, start, end)
        if adding is not None:
            await adding
            report(start)
        adding = asyncio.ensure_future(asyncio.to_thread(_add, archive, text))
    if adding is not None:
        await adding
    await asyncio.to_thread(archive.finish, upto)
    report(upto)


def _add(archive: Archive, text: bytes) -> None:
    table = parse_slice(text)
    if len(table):
        archive.add(table)


async def read_slice(
    connection: asyncpg.Connection, wanted: Wanted, after: int, upto: int
) -> bytes:
    """Give a stretch of the log as CSV."""
    parts: list[bytes] = []

    async def take(part: bytes) -> None:
        parts.append(part)

    await connection.copy_from_query(
        Q["slice"], after, upto, *_filter(wanted), output=take, format="csv"
    )
    return b"".join(parts)


def _filter(wanted: Wanted) -> tuple[str | None, str | None, str | None]:
    return wanted.flow, wanted.stream, wanted.like
