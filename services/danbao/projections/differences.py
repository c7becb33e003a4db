"""What is known about builds and their differences, for people."""

from datetime import datetime

import asyncpg
import msgspec

from danbao.kernel.builds import BuildId
from danbao.kernel.comparing import Difference
from danbao.kernel.sql import load_queries

Q = load_queries("danbao.projections", "differences.sql")


class Listed(msgspec.Struct, frozen=True):
    """A build as it is listed."""

    name: str
    version: int
    build: int
    state: str
    is_held: bool
    checkpoint: int
    table_name: str
    begun_at: datetime
    swapped_at: datetime | None
    difference: Difference | None
    """From the build whose place it took."""
    behind: int
    """Events between it and the log's end; a retired build stays where it is."""
    bytes: int
    """On disk, with its indexes."""


async def list_builds(connection: asyncpg.Connection) -> list[Listed]:
    """Every build there is, by name."""
    return [
        Listed(**{**row, "difference": _decoded(row["difference"])})
        for row in await connection.fetch(Q["list"])
    ]


async def stored_difference(connection: asyncpg.Connection, build: BuildId) -> Difference | None:
    """What a build had otherwise than the one whose place it took; None: it took nobody's."""
    return _decoded(await connection.fetchval(Q["stored"], *build))


def _decoded(text: str | None) -> Difference | None:
    return None if text is None else msgspec.json.decode(text, type=Difference)
