"""The builder: brings builds of read models beside the live ones up, compares, and swaps them.

A build reads the log in slices, several builds together, as far as its live one has come, and never
further.  Then it is compared with the live one, both standing at one position; then it takes its
place.  Every step is one short transaction, and begins with what the last one left: after a kill
the next one goes on.  Any number of builders may run: one works at a time.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import asyncpg
import msgspec
import structlog

from danbao.kernel.builds import (
    LOCK,
    Build,
    BuildId,
    by_version,
    known_builds,
    lock_builds,
    move,
)
from danbao.kernel.comparing import Comparison
from danbao.kernel.crash import crash_point
from danbao.kernel.projecting import feed
from danbao.kernel.swapping import swap
from danbao.readmodels.model import ReadModel

TURN = "SELECT pg_try_advisory_xact_lock(hashtext('danbao.builder'))"
"""A builder takes its turn, for one transaction; or it is another's."""
ALL_TURNS = "SELECT pg_try_advisory_lock(hashtext('danbao.builder'))"
"""Takes every turn from now on, until the connection ends; or it is another's just now."""

log = structlog.get_logger()


async def advance(
    connection: asyncpg.Connection,
    models: Sequence[tuple[BuildId, ReadModel]],
    after: int,
    upto: int,
) -> int:
    """Bring builds from one position to another in one transaction; gives how many were written.

    Their rows are held, and all stand at `after`.
    """
    tables = [(build.table, model) for build, model in models]
    written = await feed(connection, tables, after, upto)
    await move(connection, [build for build, _ in models], upto)
    return written


@dataclass(slots=True)
class Builder:
    """Works at the builds that this code has the models for."""

    models: Iterable[ReadModel]
    slice_max: int
    only: Collection[str] | None = None
    """Names of read models; None stands for all."""
    refused: dict[str, str] = field(default_factory=dict)
    """Builds that cannot be swapped in, by name, and why."""
    _comparisons: dict[BuildId, Comparison] = field(default_factory=dict)

    def mine(self, builds: Iterable[Build]) -> list[Build]:
        """Those of some builds that are being built, and that this can work at."""
        known = by_version(self.models)
        return [
            build
            for build in builds
            if build.state == "building"
            and build.key in known
            and (self.only is None or build.id.name in self.only)
        ]

    async def step(self, connection: asyncpg.Connection) -> bool:
        """Do the next thing there is to do; False when there is none, or another does it."""
        builds = await known_builds(connection)
        live = {build.id.name: build for build in builds if build.state == "live"}
        mine = [build for build in self.mine(builds) if build.id.name in live]
        if behind := [b for b in mine if b.checkpoint < live[b.id.name].checkpoint]:
            upto = min(live[build.id.name].checkpoint for build in behind)
            return await self._catch_up(connection, behind, upto)
        for build in mine:
            comparison = self._comparisons.get(build.id)
            if comparison is None or not comparison.is_done:
                return await self._compare(connection, live[build.id.name], build)
        for build in mine:
            if not build.is_held and build.id.name not in self.refused:
                return await self._swap(connection, live[build.id.name], build)
        return False

    async def _catch_up(
        self, connection: asyncpg.Connection, behind: Sequence[Build], upto: int
    ) -> bool:
        """Bring the builds that are furthest behind a slice further."""
        async with connection.transaction():
            if not await connection.fetchval(TURN):
                return False
            held = await lock_builds(connection, [build.id for build in behind])
            held = [build for build in held if build.state == "building"]
            start = min((build.checkpoint for build in held), default=upto)
            above = [build.checkpoint for build in held if build.checkpoint > start]
            upto = min([upto, start + self.slice_max, *above])
            if start < upto:
                first = [build for build in held if build.checkpoint == start]
                await advance(connection, self._with_models(first), start, upto)
                crash_point("build.written")
        return True

    async def _compare(self, connection: asyncpg.Connection, live: Build, build: Build) -> bool:
        """Compare the next rows of a build with the live ones, both at one position."""
        async with connection.transaction():
            if not await connection.fetchval(TURN):
                return False
            pair = await self._held_pair(connection, live, build)
            if pair is None or not await self._close_gap(connection, *pair):
                return True
            live, build = pair
            comparison = self._comparisons.setdefault(
                build.id, Comparison(live.id.table, build.id.table)
            )
            await comparison.step(connection, live.checkpoint)
        if comparison.is_done:
            found = comparison.found
            log.info(
                "build.compared",
                model=build.id.name,
                version=build.id.version,
                rows=found.rows,
                only_old=found.only_old,
                only_new=found.only_new,
                changed=found.changed,
            )
        return True

    async def _swap(self, connection: asyncpg.Connection, live: Build, build: Build) -> bool:
        """Let a build that has caught up with the live one take its place."""
        try:
            async with connection.transaction():
                await connection.execute(LOCK)
                pair = await self._held_pair(connection, live, build)
                if pair is None or pair[1].is_held:
                    return True
                if not await self._close_gap(connection, *pair):
                    return True
                crash_point("build.before_swap")
                found = self._comparisons[build.id].found
                await swap(connection, build.id, msgspec.json.encode(found).decode())
        except asyncpg.LockNotAvailableError:
            log.info("build.swap_postponed", model=build.id.name)
            return True
        except asyncpg.DependentObjectsStillExistError as error:
            self.refused[build.id.name] = error.detail or str(error)
            log.warning("build.swap_refused", model=build.id.name, error=error.detail)
            return True
        crash_point("build.swapped")
        self._comparisons.pop(build.id)
        log.info("build.swapped", model=build.id.name, version=build.id.version)
        return True

    def compared(self, build: BuildId) -> Comparison | None:
        """The comparison of a build, as far as it has come."""
        return self._comparisons.get(build)

    async def _held_pair(
        self, connection: asyncpg.Connection, live: Build, build: Build
    ) -> tuple[Build, Build] | None:
        """Hold a build and its live one; None when they are not what they were."""
        held = await lock_builds(connection, [live.id, build.id])
        if [each.state for each in held] != ["live", "building"]:
            self._comparisons.pop(build.id, None)
            return None
        return held[0], held[1]

    async def _close_gap(self, connection: asyncpg.Connection, live: Build, build: Build) -> bool:
        """Bring a build to where its live one is; False when it is too far for one transaction."""
        start = build.checkpoint
        upto = min(live.checkpoint, start + self.slice_max)
        if upto > start:
            await advance(connection, self._with_models([build]), start, upto)
        return upto == live.checkpoint

    def _with_models(self, builds: Iterable[Build]) -> list[tuple[BuildId, ReadModel]]:
        known = by_version(self.models)
        return [(build.id, known[build.key]) for build in builds]
