"""The projector: keeps read models up to date with the log (architecture 8).

It reads by position, which has no gaps, and commits rows and checkpoint together, so each event
is applied exactly once whatever dies when.  Checkpoint rows are locked, so any number may run.
A version that is newer than the live one is built beside it, see `danbao.kernel.builder`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg
import structlog

from danbao.kernel.builder import Builder, advance
from danbao.kernel.builds import (
    LOCK,
    Build,
    Models,
    begin,
    by_version,
    drop,
    known_builds,
    lock_caught_up,
    lock_live,
    newest,
)
from danbao.kernel.crash import crash_point
from danbao.kernel.errors import RetryableError
from danbao.kernel.ports import Clock
from danbao.kernel.postgres.store import BROKEN, PostgresStore, translate
from danbao.kernel.pulse import Pulse
from danbao.kernel.settings import Settings
from danbao.kernel.swapping import show
from danbao.readmodels.model import ReadModel

RETRY_S = 0.5
REST = 3
"""After a slice it rests so many times as long as that took: services come first, and one larger
slice costs less than two."""
REST_MAX_S = 0.25
BUILD_REST = 1
"""Beside services it rests so many times as long as a step at a build took: they come first."""

log = structlog.get_logger()


@dataclass(slots=True)
class Projector:
    """Runs read models; each has a checkpoint of its own."""

    store: PostgresStore
    models: Sequence[ReadModel]
    clock: Clock
    settings: Settings
    stopping: bool = False
    pulse: Pulse = field(default_factory=Pulse)
    position: int = 0
    behind: int = 0
    """Events between the read models and the log's end, as far as the last slice showed."""
    projected: int = 0
    """Events projected since the start."""
    written: int = 0
    """Times a read model was written."""
    building: bool = False
    """Whether a build beside the live ones is not done."""
    _begun: bool = field(default=False)
    _has_builds: bool = field(default=False)
    _known: Models = field(init=False)
    _builder: Builder = field(init=False)

    def __post_init__(self) -> None:
        """Find the models by version."""
        self._known = by_version(self.models)
        self._builder = Builder(self.models, self.settings.projector_slice_max)

    async def run(self) -> None:
        """Project until asked to stop."""
        while not self.stopping:
            self.pulse.turn()
            begun = self.clock.monotonic()
            try:
                count = await self.step()
                self.pulse.answered()
                took = self.clock.monotonic() - begun
                if self.building:
                    await self.clock.sleep(BUILD_REST * took)
                    continue
                if count < self.settings.projector_slice_max:
                    if not count:
                        with self.pulse.rest():
                            await self.store.wait_for_news(self.settings.poll_s)
                    linger = self.settings.projector_linger_ms / 1000
                    await self.clock.sleep(max(linger, min(REST * took, REST_MAX_S)))
            except RetryableError as error:
                log.warning("projector.interrupted", error_code=error.code, error=str(error)[:200])
                await self.clock.sleep(RETRY_S)

    async def leave(self) -> None:
        """Nobody waits for what this holds."""

    def unready(self) -> list[str]:
        """Say what keeps the read models from being up to date."""
        if not self._begun:
            return ["the read models have not been looked at yet"]
        if self.behind > self.settings.projector_behind_max:
            return [f"the read models are {self.behind} events behind the log"]
        return []

    def marks(self) -> Mapping[str, object]:
        """Where the read models stand, and what was written on the way."""
        return {"projected": (self.position, self.written)}

    async def step(self) -> int:
        """Project one slice of the log, and do the next thing at builds; gives the slice's length.

        With builds that are not done it is 1 at least: there is more to do.
        """
        connection = await self.store.connection()
        try:
            if not self._begun:
                await self._begin(connection)
            async with connection.transaction():
                count = await self._project(connection)
                crash_point("projector.written")
            self._begun = True
            crash_point("projector.committed")
            self.building = await self._builder.step(connection) if self._has_builds else False
        except (asyncpg.PostgresError, *BROKEN) as error:
            await self.store.drop_connection()
            raise translate(error) from error
        self.projected += count
        return max(count, self.building)

    async def _begin(self, connection: asyncpg.Connection) -> None:
        """See to it that the newest version of each model is live, or is being built."""
        async with connection.transaction():
            await connection.execute(LOCK)
            builds = await known_builds(connection)
            for name, model in newest(self.models).items():
                await _begin_model(
                    connection, model, [build for build in builds if build.id.name == name]
                )

    async def _project(self, connection: asyncpg.Connection) -> int:
        """Bring the live builds a slice further, and with them those that have caught up."""
        live, head, self._has_builds = await lock_live(connection)
        mine = [build for build in live if build.key in self._known]
        start = min((build.checkpoint for build in mine), default=head)
        self.position = start
        if start >= head:
            self.behind = 0
            return 0
        crash_point("projector.before_write")
        upto = min(head, start + self.settings.projector_slice_max)
        above = [build.checkpoint for build in live if build.checkpoint > start]
        upto = min([upto, *(position for position in above)])
        first = [build for build in mine if build.checkpoint == start]
        if self._has_builds:
            first += await lock_caught_up(connection, [build.id.name for build in first], start)
        models = [(build.id, self._known[build.key]) for build in first if build.key in self._known]
        self.written += await advance(connection, models, start, upto)
        self.pulse.turn()
        self.position = upto
        self.behind = head - upto
        return upto - start


async def _begin_model(
    connection: asyncpg.Connection, model: ReadModel, builds: Sequence[Build]
) -> None:
    """Begin a build of a version that is newer than all others; the first of all is live at once.

    An older process meets newer versions: it leaves them alone.
    """
    active = [build for build in builds if build.state != "retired"]
    if any(build.id.version >= model.version for build in active):
        if any(build.id.version > model.version for build in active):
            log.warning("projection.newer", model=model.name, version=model.version)
        return
    for build in active:
        if build.state == "building":
            await drop(connection, build.id)
    state = "building" if active else "live"
    build_id = await begin(connection, model, state)
    if state == "live":
        await show(connection, build_id)
    log.info("projection.begun", model=model.name, version=model.version, state=state)
