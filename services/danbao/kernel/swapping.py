"""A build takes the place of another: `danbao_read.<name>` is a view, and shows the new table.

The view stays the same object where every column of the old one is there again with its type, so
that grants and other people's views stay, and see the new rows.  Where one is missing, the view
is made anew with the grants it had; views of other people that depend on it prevent that.
"""

import asyncpg

from danbao.kernel.builds import BuildId
from danbao.kernel.sql import load_queries

Q = load_queries("danbao.kernel", "swapping.sql")
LOCK_WITHIN = "SET LOCAL lock_timeout = '500ms'"
"""Queries that come while we wait for a reader's lock wait behind us: not for long."""


async def show(connection: asyncpg.Connection, build: BuildId) -> None:
    """Let the name of a read model show a build's table.

    Raises:
        asyncpg.DependentObjectsStillExistError: a column goes that somebody's view needs.
        asyncpg.LockNotAvailableError: readers are in the way; try again.
    """
    await connection.execute(LOCK_WITHIN)
    before = await _columns(connection, f"danbao_read.{build.name}")
    after = await _columns(connection, build.table)
    stays = before.items() <= after.items()
    first = before if stays else {}
    names = [*first, *(name for name in after if name not in first)]
    grants: list[asyncpg.Record] = []
    if not stays:
        grants = await connection.fetch(Q["grants"], build.name, names)
        await connection.execute(await connection.fetchval(Q["drop_view"], build.name))
    await connection.execute(await connection.fetchval(Q["view"], build.name, build.table, names))
    for row in grants:
        await connection.execute(row[0])


async def swap(connection: asyncpg.Connection, build: BuildId, difference: str | None) -> None:
    """Retire the live build and show another; both rows are held, and stand where they should.

    Raises:
        asyncpg.PostgresError: as `show`; the transaction is to be rolled back.
    """
    await show(connection, build)
    await connection.execute(Q["retire"], build.name)
    await connection.execute(Q["promote"], *build, difference)


async def _columns(connection: asyncpg.Connection, relation: str) -> dict[str, str]:
    return {row["name"]: row["type"] for row in await connection.fetch(Q["columns"], relation)}
