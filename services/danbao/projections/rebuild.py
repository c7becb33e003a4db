"""Rebuilding read models on purpose: of the same version, or of another one that the code has.

The engine may run meanwhile, and may be stopped: both work on the same builds, one at a time.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import asyncpg

from danbao.kernel.builder import ALL_TURNS, Builder
from danbao.kernel.builds import LOCK, Build, begin, drop, hold, known_builds, newest
from danbao.kernel.comparing import Difference
from danbao.projections.differences import stored_difference
from danbao.projections.errors import ProjectionError, UnknownModelError
from danbao.readmodels.model import ReadModel
from danbao.readmodels.models import READ_MODELS

PATIENCE_S = 20
"""How long the engine's own builder may take to finish its step."""
LOOK_EVERY_S = 0.05

Report = Callable[[int], None]
"""Takes the position that every build has reached."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A build that is done: it is live now, or held."""

    build: Build
    difference: Difference
    """From the build that was live before."""
    refused: str = ""
    """Why it is not live, though it should be."""


def choose(
    names: Iterable[str], version: int | None = None, models: Sequence[ReadModel] = READ_MODELS
) -> list[ReadModel]:
    """Find read models by name: the newest version, or the one that is asked for.

    Raises:
        UnknownModelError: the code has no such model.
    """
    found = []
    for name in names:
        if name not in newest(models):
            raise UnknownModelError(f"{name} is no read model")
        same = [model for model in models if model.name == name]
        wanted = version or max(model.version for model in same)
        match = next((model for model in same if model.version == wanted), None)
        if match is None:
            raise UnknownModelError(f"this code has no version {wanted} of {name}")
        found.append(match)
    return found


async def begin_rebuild(
    connection: asyncpg.Connection, models: Iterable[ReadModel], *, is_held: bool
) -> list[Build]:
    """Begin a build of each model beside its live one, or find the one that was begun before.

    Raises:
        ProjectionError: there is no live one, or another version is being built.
    """
    async with connection.transaction():
        await connection.execute(LOCK)
        builds = await known_builds(connection)
        begun = []
        for model in models:
            same = [build for build in builds if build.id.name == model.name]
            if not any(build.state == "live" for build in same):
                raise ProjectionError(
                    f"{model.name} is not there yet", todo="The projector makes it: start it."
                )
            building = next((build for build in same if build.state == "building"), None)
            if building is None:
                begun.append(await begin(connection, model, "building", is_held=is_held))
            elif building.id.version != model.version:
                raise ProjectionError(
                    f"version {building.id.version} of {model.name} is being built",
                    todo=f"`danbao projections drop {model.name} --building` gives it up.",
                )
            else:
                await hold(connection, building.id, is_held=is_held)
                begun.append(building.id)
        return [build for build in await known_builds(connection) if build.id in begun]


async def finish_rebuild(
    connection: asyncpg.Connection,
    begun: Sequence[Build],
    report: Report,
    slice_max: int,
    models: Sequence[ReadModel] = READ_MODELS,
) -> list[Rebuilt]:
    """Work at builds until each is live, or held and compared; whoever was killed before.

    Raises:
        ProjectionError: another rebuild is at work.
    """
    await _take_turns(connection)
    names = {build.id.name for build in begun}
    builder = Builder(models, slice_max, only=names)
    while True:
        worked = await builder.step(connection)
        builds = {build.id: build for build in await known_builds(connection)}
        ours = [builds[build.id] for build in begun if build.id in builds]
        if len(ours) < len(begun):
            raise ProjectionError("somebody dropped a build of this rebuild meanwhile")
        report(min(build.checkpoint for build in ours))
        if all(_is_done(build, builder) for build in ours):
            return [await _rebuilt(connection, build, builder) for build in ours]
        if not worked:
            await asyncio.sleep(LOOK_EVERY_S)


async def drop_builds(connection: asyncpg.Connection, name: str, *, building: bool) -> list[Build]:
    """Take a model's retired builds away, or the one that is being built; gives them.

    Raises:
        UnknownModelError: nothing has that name.
        ProjectionError: something of somebody's depends on a build's table.
    """
    state = "building" if building else "retired"
    try:
        async with connection.transaction():
            await connection.execute(LOCK)
            same = [each for each in await known_builds(connection) if each.id.name == name]
            if not same:
                raise UnknownModelError(f"{name} is no read model")
            gone = [build for build in same if build.state == state]
            for build in gone:
                await drop(connection, build.id)
    except asyncpg.DependentObjectsStillExistError as error:
        raise ProjectionError(
            f"something depends on it: {error.detail}", todo="Drop that first; nothing was changed."
        ) from error
    return gone


async def _take_turns(connection: asyncpg.Connection) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not await connection.fetchval(ALL_TURNS):
        if time.monotonic() > deadline:
            raise ProjectionError(
                "another rebuild is at work", todo="Wait for it: `danbao projections list`."
            )
        await asyncio.sleep(LOOK_EVERY_S)


def _is_done(build: Build, builder: Builder) -> bool:
    if build.state != "building":
        return True
    compared = builder.compared(build.id)
    if compared is None or not compared.is_done:
        return False
    return build.is_held or build.id.name in builder.refused


async def _rebuilt(connection: asyncpg.Connection, build: Build, builder: Builder) -> Rebuilt:
    compared = builder.compared(build.id)
    if compared is not None:
        return Rebuilt(build, compared.found, builder.refused.get(build.id.name, ""))
    return Rebuilt(build, await stored_difference(connection, build.id) or Difference())
