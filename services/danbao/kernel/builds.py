"""Builds: one making of one version of a read model, with a table and a checkpoint of its own.

A name has at most one live build, which `danbao_read.<name>` shows, and at most one that is being
built beside it.  Whoever moves a build's checkpoint holds its row.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

import asyncpg
import msgspec

from danbao.kernel.projecting import statement
from danbao.kernel.sql import load_queries
from danbao.readmodels.model import ReadModel

Q = load_queries("danbao.kernel", "builds.sql")
SCHEMA = "danbao_models"
"""Where the tables of builds are."""
LOCK = "SELECT pg_advisory_xact_lock(hashtext('danbao.projections'))"
"""Who makes or ends builds holds this until its transaction ends."""


class BuildId(NamedTuple):
    """Which build; its table is called after it."""

    name: str
    version: int
    build: int

    @property
    def table(self) -> str:
        """The build's table, with its schema."""
        return f"{SCHEMA}.{self.name}_v{self.version}_b{self.build}"


class Build(msgspec.Struct, frozen=True):
    """A build as it stands in `danbao.projections`."""

    id: BuildId
    checkpoint: int
    state: str
    """`building`, `live` or `retired`."""
    is_held: bool
    """Built, and not swapped in before somebody says so."""

    @property
    def key(self) -> tuple[str, int]:
        """Name and version: which code makes it."""
        return self.id.name, self.id.version


Models: TypeAlias = dict[tuple[str, int], ReadModel]
"""The versions of read models that this code can make."""


def by_version(models: Iterable[ReadModel]) -> Models:
    """The versions of read models by name and version."""
    return {(model.name, model.version): model for model in models}


def newest(models: Iterable[ReadModel]) -> dict[str, ReadModel]:
    """The highest version of each read model."""
    return {model.name: model for model in sorted(models, key=lambda each: each.version)}


async def known_builds(connection: asyncpg.Connection) -> list[Build]:
    """Every build there is, by name, version and number."""
    return _builds(await connection.fetch(Q["known"]))


async def lock_live(connection: asyncpg.Connection) -> tuple[list[Build], int, bool]:
    """Hold the checkpoints of all live builds.

    Gives them, the log's last position, and whether there are builds beside them.
    """
    rows = await connection.fetch(Q["lock_live"])
    return (_builds(rows), rows[0]["head"], rows[0]["has_builds"]) if rows else ([], 0, False)


async def lock_caught_up(
    connection: asyncpg.Connection, names: Sequence[str], position: int
) -> list[Build]:
    """Hold the builds beside some live ones that stand where those stand, if nobody holds them."""
    return _builds(await connection.fetch(Q["lock_caught_up"], names, position))


async def lock_builds(connection: asyncpg.Connection, ids: Sequence[BuildId]) -> list[Build]:
    """Hold the checkpoints of some builds, live before building."""
    return _builds(await connection.fetch(Q["lock"], *zip(*ids, strict=True)))


async def move(connection: asyncpg.Connection, ids: Sequence[BuildId], position: int) -> None:
    """Move checkpoints that are held."""
    await connection.execute(Q["move"], position, *zip(*ids, strict=True))


async def begin(
    connection: asyncpg.Connection, model: ReadModel, state: str, *, is_held: bool = False
) -> BuildId:
    """Make the next build of a model, with an empty table; the caller holds `LOCK`."""
    number = await connection.fetchval(Q["next_number"], model.name, model.version)
    build = BuildId(model.name, model.version, number)
    await connection.execute(statement(model, "create", build.table))
    await connection.execute(Q["begin"], *build, state, is_held)
    return build


async def hold(connection: asyncpg.Connection, build: BuildId, *, is_held: bool) -> None:
    """Say whether a build waits for somebody before it is swapped in."""
    await connection.execute(Q["hold"], *build, is_held)


async def drop(connection: asyncpg.Connection, build: BuildId) -> None:
    """Take a build that is not live away, with its table; the caller holds `LOCK`."""
    for row in await connection.fetch(Q["forget"], *build):
        await connection.execute(row["drop_table"])


def _builds(rows: Iterable[asyncpg.Record]) -> list[Build]:
    return [
        Build(
            BuildId(row["name"], row["version"], row["build"]),
            row["checkpoint"],
            row["state"],
            row["is_held"],
        )
        for row in rows
    ]
