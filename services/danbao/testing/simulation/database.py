"""Postgres as a process sees it in a simulation: the store in memory, with all that may go wrong.

The server watches over its transactions as `kernel/postgres/connection.py` has it do: idle ones
and long ones end by themselves, and those of lost connections once it notices.  A COMMIT that was
sent and not answered may have happened, may still happen, or never does.
"""

import asyncio
import sys
from collections.abc import Hashable

from danbao.kernel.errors import DanbaoError, OutcomeUnknownError, UnavailableError
from danbao.kernel.memory.store import MemoryStore
from danbao.kernel.memory.unit import MemoryUnit
from danbao.testing.simulation.process import Process, SimulatedWire
from danbao.testing.simulation.watch import Watch

IDLE_S = 3.0
TRANSACTION_S = 5.0
NOTICED_S = 2.0
"""After how long the server notices that a client is gone, at most."""
HEAD_HELD_S_MAX = 5.0
"""For longer nobody may keep all others from writing the log."""
HEAD: tuple[Hashable, ...] = ("head",)


class SimulatedUnit(MemoryUnit):
    """One transaction of a server that loses patience."""

    def __init__(self, store: "SimulatedStore") -> None:
        """Open it; from now on the server watches."""
        super().__init__(store.tables, store.wire)
        self._store = store
        self._loop = store.process.world.loop
        self._began_at = self._active_at = self._loop.time()
        self._head_since: float | None = None
        self._alarm = self._loop.call_later(IDLE_S, self._look)
        self.is_commit_sent = False
        self.is_lost = False
        """The connection is gone: the server alone decides what becomes of it."""
        store.units[self] = None

    def commit(self) -> None:
        """Make the changes what is so, and have them checked."""
        if self.is_over:
            return
        changes = self._changes
        super().commit()
        self._store.watch.committed(self._store.process.name, changes)

    def end(self) -> None:
        """Let go of all locks."""
        if self.is_over:
            return
        self._alarm.cancel()
        self._store.units.pop(self, None)
        if self._head_since is not None:
            held = self._loop.time() - self._head_since
            if held > HEAD_HELD_S_MAX:
                self._store.process.world.fail(f"the head row was held for {held:.1f} s")
        super().end()

    def lose(self) -> None:
        """Lose the connection: the server notices now or later."""
        if self.is_over or self.is_lost:
            return
        self.is_lost = True
        random = self._store.process.world.random
        happens = self.is_commit_sent and random.random() < 0.5  # noqa: PLR2004 - either way
        late = random.random() < 0.5  # noqa: PLR2004 - either way
        delay = random.random() * NOTICED_S if late else 0
        if not delay:
            self._decide(happens=happens)
        else:
            self._loop.call_later(delay, lambda: self._decide(happens=happens))

    def _decide(self, *, happens: bool) -> None:
        if happens:
            self.commit()
        else:
            self.end()

    async def _ask(self, statement: str) -> None:
        try:
            await super()._ask(statement)
        except UnavailableError:
            self.lose()
            raise
        self._active_at = self._loop.time()

    async def _lock(self, *row: Hashable, shared: bool = False) -> None:
        await super()._lock(*row, shared=shared)
        self._active_at = self._loop.time()
        if row == HEAD and self._head_since is None:
            self._head_since = self._active_at

    def _look(self) -> None:
        """End a transaction that is idle, or goes on for too long."""
        now = self._loop.time()
        if self.holder.waits_for is not None:
            self._active_at = now
        ends_at = min(self._active_at + IDLE_S, self._began_at + TRANSACTION_S)
        if now < ends_at:
            self._alarm = self._loop.call_at(ends_at, self._look)
            return
        self._store.process.world.note(self._store.process.name, "transaction ended by the server")
        self.end()


class SimulatedStore(MemoryStore):
    """The Store port of one process."""

    def __init__(self, process: Process, watch: Watch) -> None:
        """Connect to the world's tables."""
        self.wire = SimulatedWire(process, process.world.postgres)
        super().__init__(process.world.tables, self.wire)
        self.process = process
        self.watch = watch
        self.units: dict[SimulatedUnit, None] = {}
        process.at_death.append(self.disconnect)

    def disconnect(self) -> None:
        """Lose all connections at once."""
        self.tables.followers.pop(self._news, None)
        for unit in list(self.units):
            unit.lose()

    async def wait_for_news(self, seconds: float) -> None:
        """Wait until somebody notifies, at most so long."""
        self.process.check()
        await super().wait_for_news(seconds)
        await self.process.live()

    async def close(self) -> None:
        """Follow the log no longer."""
        self.process.check()
        await super().close()

    def _begin(self) -> SimulatedUnit:
        return SimulatedUnit(self)

    async def _commit(self, unit: MemoryUnit) -> None:
        assert isinstance(unit, SimulatedUnit)
        unit.is_commit_sent = True
        try:
            await self.wire.cross("commit")
            if not unit.is_over:
                unit.commit()
                await self.wire.cross("committed")
                return
        except UnavailableError as error:
            unit.lose()
            raise OutcomeUnknownError("lost the connection during COMMIT") from error
        raise OutcomeUnknownError("the server has ended the transaction")

    def _leave(self, unit: MemoryUnit) -> None:
        """Roll back, unless the server alone decides by now."""
        error = sys.exc_info()[1]
        if isinstance(error, DanbaoError):
            self.process.world.coverage.errors[error.code] += 1
        elif isinstance(error, asyncio.CancelledError):
            self.process.world.coverage.errors["cancelled"] += 1
        assert isinstance(unit, SimulatedUnit)
        if not self.process.is_dead and not unit.is_lost:
            unit.end()
