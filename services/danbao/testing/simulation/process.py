"""One simulated process: alive, frozen or dead; and the wires between it and its servers.

A dead process runs no `finally` block that anybody could see: each of its ports raises
`ProcessDead` whatever it is asked, and what it had open is left to the servers.
"""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime

from danbao.kernel.errors import UnavailableError
from danbao.testing.simulation.faults import Fault
from danbao.testing.simulation.world import Server, World

SLOW_S = 1.5
"""How long a slow request takes at most."""
AWAY_ANSWER_S = 1.0
"""After how long a client takes a server that is away for lost, at most."""
FROZEN_S = (0.5, 25.0)
OCCASIONS = {
    "worker.retrying": 10,
    "worker.retried": 10,
    "scheduler.before_send": 3,
    "scheduler.sent": 3,
}
"""For how many each meeting of a point counts that is met rarely, so that none is left out."""


class ProcessDead(BaseException):
    """The process is no more; nothing in it may catch this."""


class Process:
    """What of a process its ports know."""

    def __init__(self, world: World, name: str) -> None:
        """Begin to live."""
        self.world = world
        self.name = name
        self.is_dead = False
        self.is_frozen = False
        self.at_death: list[Callable[[], None]] = []
        """What the servers make of it when they notice."""
        self.at_freezing: list[Callable[[float], None]] = []
        self.at_thawing: list[Callable[[], None]] = []
        self._thawed = asyncio.Event()

    def check(self) -> None:
        """Go on only if alive."""
        if self.is_dead:
            raise ProcessDead(self.name)

    def kill(self) -> None:
        """Die at once, as by SIGKILL."""
        if self.is_dead:
            return
        self.world.note("dead", self.name)
        self.is_dead = True
        self._thawed.set()
        for notice in self.at_death:
            notice()

    def freeze(self) -> None:
        """Stop for a while, as by SIGSTOP."""
        if self.is_dead or self.is_frozen:
            return
        least, most = FROZEN_S
        seconds = least * (most / least) ** self.world.random.random()
        self.world.note("frozen", self.name, round(seconds, 3))
        self.is_frozen = True
        self._thawed.clear()
        self.world.loop.call_later(seconds, self.thaw)
        for notice in self.at_freezing:
            notice(seconds)

    def thaw(self) -> None:
        """Go on as if no time had passed."""
        if self.is_frozen and not self.is_dead:
            self.world.note("thawed", self.name)
            self.is_frozen = False
            self._thawed.set()
            for notice in self.at_thawing:
                notice()

    async def live(self) -> None:
        """Pass if alive, once no longer frozen."""
        while self.is_frozen and not self.is_dead:
            await self._thawed.wait()
        self.check()


CURRENT: ContextVar[Process | None] = ContextVar("simulated_process", default=None)
"""The process whose code runs."""


def meet_point(name: str) -> None:
    """Die or freeze at a crash point of the kernel if chance wills it."""
    process = CURRENT.get()
    if process is None:
        return
    process.check()
    world = process.world
    world.coverage.points[name] += 1
    if any(world.strikes(Fault.CRASH_POINT) for _ in range(OCCASIONS.get(name, 1))):
        world.coverage.points[f"dead:{name}"] += 1
        world.note("at", name)
        process.kill()
        raise ProcessDead(name)
    if world.strikes(Fault.FREEZE_POINT):
        world.coverage.points[f"frozen:{name}"] += 1
        world.note("at", name)
        process.freeze()


class SimulatedWire:
    """The Wire between one process and one server."""

    def __init__(self, process: Process, server: Server) -> None:
        """A connection that may break at any time, to be made again at once."""
        self._process = process
        self._server = server
        self._world = process.world

    async def cross(self, what: str) -> None:
        """Let a request or an answer through, sooner or later.

        Raises:
            UnavailableError: the connection broke on the way.
            ProcessDead: nobody is there any more.
        """
        process, world = self._process, self._world
        process.check()
        await asyncio.sleep(self._latency())
        if process.is_frozen:
            await process.live()
        process.check()
        if self._server.is_away:
            await asyncio.sleep(world.random.random() * AWAY_ANSWER_S)
            await process.live()
            raise self._broken(what, "away")
        if world.strikes(Fault.LOSS):
            raise self._broken(what, "lost")

    def _latency(self) -> float:
        world = self._world
        if world.random.random() < 0.75:  # noqa: PLR2004 - most take next to no time
            return 0
        if world.strikes(Fault.SLOW):
            return world.random.random() * SLOW_S
        return world.random.expovariate(1) * world.plan.latency_s

    def _broken(self, what: str, how: str) -> UnavailableError:
        world = self._world
        world.note(self._process.name, how, self._server.name, what)
        world.coverage.errors["unavailable"] += 1
        return UnavailableError(f"{self._server.name} was lost at {what}")


class SimulatedClock:
    """The Clock port of one process: the world's time, as long as the process lives."""

    def __init__(self, process: Process, *, is_moved: bool = True) -> None:
        """Without `is_moved` the moves of a sandbox are left out."""
        self._process = process
        self._is_moved = is_moved

    def now(self) -> datetime:
        """Give the time now."""
        self._process.check()
        world = self._process.world
        return world.now() + world.moved if self._is_moved else world.now()

    def monotonic(self) -> float:
        """Seconds that only ever rise."""
        self._process.check()
        return self._process.world.loop.time()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        self._process.check()
        await asyncio.sleep(seconds)
        await self._process.live()
