"""The processes of a simulation: started, watched over, and started again when they end."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from typing import TypeAlias

from danbao.contracts.decider import Service
from danbao.kernel.errors import RetryableError
from danbao.kernel.memory.sink import MemoryCommandSink
from danbao.kernel.relay import Relay
from danbao.kernel.scheduler import Scheduler
from danbao.kernel.settings import Settings
from danbao.kernel.topics import commands_topic, events_topic
from danbao.kernel.worker import Worker
from danbao.testing.simulation.database import SimulatedStore
from danbao.testing.simulation.process import (
    CURRENT,
    Process,
    ProcessDead,
    SimulatedClock,
    SimulatedWire,
)
from danbao.testing.simulation.topics import SimulatedEventSink, SimulatedSource
from danbao.testing.simulation.watch import Watch
from danbao.testing.simulation.world import World

RESTART_S = 2.0
"""After how long a process that ended is started again, at most."""
STOP_WITHIN_S = 2.0
END_WITHIN_S = 120.0

Part: TypeAlias = Worker | Relay | Scheduler


@dataclass(slots=True, eq=False)
class Running:
    """One process that runs, and its part of the engine."""

    slot: str
    process: Process
    part: Part
    task: "asyncio.Task[None]"


class Fleet:
    """All processes of the engine."""

    def __init__(self, world: World, watch: Watch, services: Mapping[str, Service]) -> None:
        """Know what to run; nothing runs yet."""
        self.world = world
        self.running: list[Running] = []
        self._watch = watch
        self._services = services
        self._started = 0
        self._is_ending = False
        plan = world.plan
        self._settings = Settings(
            partitions=plan.partitions,
            batch_records_max=plan.batch_records,
            relay_chunk_max=plan.chunk_rows,
        )
        self._slots: list[str] = [
            *(name for name in services for _ in range(plan.workers[name])),
            *("relay" for _ in range(plan.relays)),
            "scheduler",
        ]

    def start_all(self) -> None:
        """Start every process."""
        for slot in self._slots:
            self.start(slot)

    def start(self, slot: str) -> None:
        """Start one process of a kind."""
        if self._is_ending:
            return
        self._started += 1
        process = Process(self.world, f"{slot}-{self._started}")
        part = self._make(slot, process)
        context = copy_context()
        context.run(CURRENT.set, process)
        task = self.world.loop.create_task(part.run(), context=context)
        running = Running(slot, process, part, task)
        self.running.append(running)
        task.add_done_callback(lambda _: self._ended(running))

    def scale(self) -> None:
        """Let one more worker of some service join, for good."""
        self.start(self.world.random.choice(list(self._services)))

    async def stop(self, running: Running) -> None:
        """Ask a process to stop, as by SIGTERM: what it has in hand is ended or given up."""
        self.world.note("asked to stop", running.process.name)
        running.part.stopping = True
        await asyncio.wait({running.task}, timeout=STOP_WITHIN_S)
        running.task.cancel()

    async def end(self) -> None:
        """Kill everything, and wait until nothing of it is left."""
        self._is_ending = True
        tasks = {running.task for running in self.running}
        for running in list(self.running):
            running.process.kill()
        if tasks:
            done, _ = await asyncio.wait(tasks, timeout=END_WITHIN_S)
            for task in done:
                if not task.cancelled():
                    task.exception()

    def _make(self, slot: str, process: Process) -> Part:
        store = SimulatedStore(process, self._watch)
        clock = SimulatedClock(process, is_moved=slot != "relay")
        if slot == "relay":
            events = SimulatedEventSink(process)
            return Relay(store, events, clock, self._settings, owner=process.name)
        if slot == "scheduler":
            commands = MemoryCommandSink(
                self.world.broker, SimulatedWire(process, self.world.kafka)
            )
            return Scheduler(store, commands, clock, self._settings)
        service = self._services[slot]
        topics = [commands_topic(slot), *map(events_topic, service.sources)]
        source = SimulatedSource(process, topics, group=f"danbao.{slot}")
        return Worker(service, store, source, clock, self._settings)

    def _ended(self, running: Running) -> None:
        """A process has ended; whatever the reason, another one takes its place."""
        world, process, task = self.world, running.process, running.task
        self.running.remove(running)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, ProcessDead):
            code = getattr(error, "code", type(error).__name__)
            world.coverage.errors[code] += 1
            world.fail(f"{process.name} ended: {code}: {error!r}")
            return
        if process.is_dead:
            self._start_later(running.slot)
            return
        world.note("ended", process.name, "cancelled" if task.cancelled() else "stopped")
        closing = self._close(running)
        world.loop.create_task(closing).add_done_callback(lambda _: self._start_later(running.slot))

    def _start_later(self, slot: str) -> None:
        delay = self.world.random.random() * RESTART_S
        self.world.loop.call_later(delay, self.start, slot)

    async def _close(self, running: Running) -> None:
        """Let go of the servers, as a process that was asked to stop does."""
        part = running.part
        with suppress(RetryableError, ProcessDead):
            await part.leave()
        with suppress(ProcessDead):
            if isinstance(part, Worker):
                await part.source.close()
            else:
                await part.sink.close()
            await part.store.close()
