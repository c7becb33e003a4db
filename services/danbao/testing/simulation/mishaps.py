"""Faults that strike out of the blue, so many times a virtual second, while commands are sent."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from danbao.kernel.worker import Worker
from danbao.testing.simulation.database import SimulatedStore
from danbao.testing.simulation.faults import BY_THE_CLOCK, Fault
from danbao.testing.simulation.fleet import Fleet, Running
from danbao.testing.simulation.topics import SimulatedSource
from danbao.testing.simulation.world import Server, World

AWAY_S = (0.2, 4.0)
JUMP_S = 4 * 3_600
WORKERS_MAX = 24
"""More than this do not join by `scale`."""


class Mishaps:
    """Lets faults strike."""

    def __init__(self, world: World, fleet: Fleet) -> None:
        """Nothing happened yet."""
        self._world = world
        self._fleet = fleet
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Let each kind that the seed drew strike at its rate."""
        for fault in BY_THE_CLOCK:
            if rate := self._world.plan.chances.get(fault):
                self._tasks.append(self._world.loop.create_task(self._strike(fault, rate)))

    async def end(self) -> None:
        """From now on everything works: servers are there, and nobody is frozen."""
        world = self._world
        world.note("faults end")
        world.is_faulty = False
        for task in self._tasks:
            task.cancel()
        world.postgres.back.set()
        world.kafka.back.set()
        for running in list(self._fleet.running):
            running.process.thaw()

    async def _strike(self, fault: Fault, rate: float) -> None:
        world = self._world
        how: dict[Fault, Callable[[], Awaitable[None]]] = {
            Fault.KILL: self._kill,
            Fault.FREEZE: self._freeze,
            Fault.CANCEL: self._cancel,
            Fault.STOP: self._stop,
            Fault.EXPEL: self._expel,
            Fault.SCALE: self._scale,
            Fault.POSTGRES_AWAY: self._postgres_away,
            Fault.KAFKA_AWAY: self._kafka_away,
            Fault.CLOCK_JUMP: self._jump,
        }
        while True:
            await asyncio.sleep(world.random.expovariate(rate))
            world.coverage.faults[fault] += 1
            await how[fault]()

    def _somebody(self) -> Running | None:
        running = [each for each in self._fleet.running if not each.process.is_dead]
        return self._world.random.choice(running) if running else None

    async def _kill(self) -> None:
        if somebody := self._somebody():
            somebody.process.kill()

    async def _freeze(self) -> None:
        if somebody := self._somebody():
            somebody.process.freeze()

    async def _cancel(self) -> None:
        if somebody := self._somebody():
            self._world.note("cancelled", somebody.process.name)
            somebody.task.cancel()

    async def _stop(self) -> None:
        if somebody := self._somebody():
            await self._fleet.stop(somebody)

    async def _expel(self) -> None:
        somebody = self._somebody()
        if somebody and isinstance(somebody.part, Worker):
            assert isinstance(somebody.part.source, SimulatedSource)
            somebody.part.source.expel()

    async def _scale(self) -> None:
        if len(self._fleet.running) < WORKERS_MAX:
            self._fleet.scale()

    async def _postgres_away(self) -> None:
        self._world.note("postgres away")
        self._world.postgres.back.clear()
        for running in self._fleet.running:
            assert isinstance(running.part.store, SimulatedStore)
            running.part.store.disconnect()
        await self._back_later(self._world.postgres)

    async def _kafka_away(self) -> None:
        self._world.note("kafka away")
        self._world.kafka.back.clear()
        await self._back_later(self._world.kafka)

    async def _back_later(self, server: Server) -> None:
        least, most = AWAY_S
        await asyncio.sleep(least + (most - least) * self._world.random.random())
        server.back.set()
        self._world.note(server.name, "back")

    async def _jump(self) -> None:
        seconds = int(self._world.random.random() * JUMP_S)
        self._world.note("clock moved by", seconds)
        self._world.moved += timedelta(seconds=seconds)
