"""Migrations: each SQL file once, in order, in one transaction under one lock."""

import re
from collections.abc import Iterable
from importlib.resources import files

import asyncpg

from danbao.kernel.errors import SetupError
from danbao.kernel.postgres.connection import PATIENT, connect

LOCK = 0xDA_BA0  # any number that nobody else takes
_NAME = re.compile(r"(\d{4})_(pre|post)_\w+\.sql")


def migration_files() -> list[tuple[str, str]]:
    """Name and SQL of each migration, in order."""
    folder = files("danbao.migrations")
    names = sorted(entry.name for entry in folder.iterdir() if _NAME.fullmatch(entry.name))
    return [(name, folder.joinpath(name).read_text()) for name in names]


def is_post(name: str) -> bool:
    """Tell a migration that only new code can bear from one that old code works with too."""
    match = _NAME.fullmatch(name)
    return match is not None and match[2] == "post"


async def migrate(dsn: str, *, with_post: bool = True) -> list[str]:
    """Apply what is missing; gives the names of what was applied.

    Without `post` migrations older processes may go on working.

    Raises:
        UnavailableError: Postgres does not answer.
        SetupError: the login may not make the tables.
    """
    connection = await connect(dsn, purpose="migrate", session=PATIENT, role=None)
    try:
        return await _apply(connection, with_post=with_post)
    except asyncpg.PostgresError as error:
        raise SetupError(
            f"the tables could not be made: {error}",
            todo="The login needs the rights of docs/how-to/use-your-own-servers.md.",
        ) from error
    finally:
        await connection.close()


async def _apply(connection: asyncpg.Connection, *, with_post: bool) -> list[str]:
    applied: list[str] = []
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        await note_migrations(connection, ())
        done = {row[0] for row in await connection.fetch("SELECT name FROM danbao_migrations")}
        for name, sql in migration_files():
            if name in done or (is_post(name) and not with_post):
                continue
            await connection.execute(sql)
            await connection.execute("INSERT INTO danbao_migrations (name) VALUES ($1)", name)
            applied.append(name)
    return applied


async def note_migrations(connection: asyncpg.Connection, names: Iterable[str]) -> None:
    """Remember migrations as applied, as a restored database has them; every start reads them."""
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS public.danbao_migrations ("
        "name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());"
        "GRANT SELECT ON public.danbao_migrations TO PUBLIC"
    )
    rows = [(name,) for name in names]
    await connection.executemany("INSERT INTO danbao_migrations (name) VALUES ($1)", rows)
