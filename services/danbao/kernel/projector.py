"""The projector: keeps read models up to date with the log (architecture 8).

It reads by position, which has no gaps, and commits rows and checkpoint together, so each event
is applied exactly once whatever dies when.  Checkpoint rows are locked, so any number may run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg
import msgspec
import structlog

from danbao.kernel.crash import crash_point
from danbao.kernel.errors import RetryableError
from danbao.kernel.events import decode_event
from danbao.kernel.messages import LogRow
from danbao.kernel.ports import Clock
from danbao.kernel.pulse import Pulse
from danbao.kernel.settings import Settings
from danbao.kernel.sql import load_queries
from danbao.kernel.store import BROKEN, PostgresStore, translate
from danbao.ledger.posting import Posting
from danbao.readmodels.model import Change, Entry, ReadModel, fold

RETRY_S = 0.5
Q = load_queries("danbao.kernel", "projector.sql")
_postings = msgspec.json.Decoder(tuple[Posting, ...])

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
    _begun: bool = field(default=False)

    async def run(self) -> None:
        """Project until asked to stop."""
        while not self.stopping:
            self.pulse.turn()
            try:
                count = await self.step()
                self.pulse.answered()
                if count < self.settings.projector_slice_max:
                    if not count:
                        with self.pulse.rest():
                            await self.store.wait_for_news(self.settings.poll_s)
                    await self.clock.sleep(self.settings.projector_linger_ms / 1000)
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
        """Project one slice of the log; gives how many rows it had."""
        connection = await self.store.connection()
        try:
            async with connection.transaction():
                if not self._begun:
                    await self._begin(connection)
                count = await self._project(connection)
                crash_point("projector.written")
        except (asyncpg.PostgresError, *BROKEN) as error:
            await self.store.drop_connection()
            raise translate(error) from error
        self._begun = True
        self.projected += count
        crash_point("projector.committed")
        return count

    async def _begin(self, connection: asyncpg.Connection) -> None:
        """Make the tables that are missing, or of an older version, and start them at 0."""
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext('danbao.projections'))")
        live = {row["name"]: row["version"] for row in await connection.fetch(Q["live_versions"])}
        for model in self.models:
            version = live.get(model.name)
            if version == model.version:
                continue
            if version is not None:
                await connection.execute(_queries(model)["drop"])
                await connection.execute(Q["retire"], model.name, version)
            await connection.execute(_queries(model)["create"])
            await connection.execute(Q["begin"], model.name, model.version)
            log.info("projection.begun", name=model.name, version=model.version)

    async def _project(self, connection: asyncpg.Connection) -> int:
        checkpoints = {
            row["name"]: row["checkpoint"] for row in await connection.fetch(Q["lock_checkpoints"])
        }
        mine = [model for model in self.models if model.name in checkpoints]
        start = min(checkpoints[model.name] for model in mine)
        rows = await self.store.read_log(start, self.settings.projector_slice_max)
        if not rows:
            self.position = start
            return 0
        entries = [_entry(row) for row in rows]
        behind = [model for model in mine if checkpoints[model.name] == start]
        last = rows[-1].position
        ahead = [checkpoints[model.name] for model in mine if checkpoints[model.name] > start]
        if ahead and min(ahead) < last:
            last = min(ahead)
            entries = [entry for entry in entries if entry.position <= last]
        crash_point("projector.before_write")
        for model in behind:
            changes = fold(change for entry in entries for change in model.project(entry))
            if changes:
                await _write(connection, model, list(changes.values()))
                self.written += 1
                self.pulse.turn()
        await connection.execute(Q["advance"], [model.name for model in behind], last)
        self.position = last
        self.behind = await self.store.head() - last
        return len(entries)


def _entry(row: LogRow) -> Entry:
    postings = () if row.postings is None else _postings.decode(row.postings)
    return Entry(row.position, row.recorded_at, decode_event(row.type, row.data), postings)


def _queries(model: ReadModel) -> dict[str, str]:
    return load_queries("danbao.readmodels", f"{model.name}.sql")


async def _write(
    connection: asyncpg.Connection, model: ReadModel, changes: Sequence[Change]
) -> None:
    """Write folded changes, one array a column."""
    keys = [list(column) for column in zip(*(change.key for change in changes), strict=True)]
    sets = [[change.sets.get(column) for change in changes] for column in model.sets]
    adds = [[change.adds.get(column, 0) for change in changes] for column in model.adds]
    await connection.execute(_queries(model)["write"], *keys, *sets, *adds)
