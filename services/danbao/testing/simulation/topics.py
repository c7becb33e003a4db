"""Kafka as a simulated process sees it: groups are told late, and records arrive late.

A member that is silent loses its partitions to the others and hears of it only when it wakes: until
then two workers believe to own the same.  What a publisher has sent may arrive when it has given up
or died, also behind what the next one has written, unless that one's fence is there already.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress

from danbao.kernel.errors import OutcomeUnknownError
from danbao.kernel.memory.sink import Keyed, MemoryEventSink
from danbao.kernel.memory.source import MemorySource
from danbao.kernel.messages import TopicPartition
from danbao.testing.simulation.faults import Fault
from danbao.testing.simulation.process import Process, SimulatedWire

SESSION_S = 6.0
TOLD_S = 0.2
"""After how long a member hears of its new partitions, usually."""
FOUND_OUT_S = 3.0
"""After how long a member finds out that it was expelled, at most."""
LATE_RECORDS_S = 8.0
FENCE_S = 0.01
FENCED_LOOK_S = 0.02


class SimulatedSource(MemorySource):
    """The Source port of one process."""

    def __init__(self, process: Process, topics: Iterable[str], group: str) -> None:
        """Read topics as a member of a group."""
        self._process = process
        world = process.world
        wire = SimulatedWire(process, world.kafka)
        super().__init__(world.broker, topics, group=group, wire=wire)
        self._told: set[TopicPartition] | None = None
        self._has_started = False
        self._is_member = False
        self._is_closed = False
        process.at_death.append(self._die)
        process.at_freezing.append(self._fall_silent)
        process.at_thawing.append(self._wake)

    async def start(self) -> None:
        """Join the group."""
        await super().start()
        self._has_started = self._is_member = True

    def assign(self, places: set[TopicPartition]) -> None:
        """Be told of new partitions, a little later."""
        random = self._process.world.random
        self._told = set(places)
        delay = random.expovariate(1 / TOLD_S) if random.random() < 0.5 else 0  # noqa: PLR2004
        self._process.world.loop.call_later(delay, self._hear)

    def expel(self) -> None:
        """Lose all partitions without a word; find out some time later."""
        if not self._is_member:
            return
        world = self._process.world
        world.note(self._process.name, "expelled")
        self._is_member = False
        self._broker.expel(self._group, self)
        if not self._process.is_dead and not self._process.is_frozen:
            self._find_out_later()

    async def close(self) -> None:
        """Leave the group."""
        self._process.check()
        self._is_member, self._is_closed = False, True
        await super().close()

    def _hear(self) -> None:
        process = self._process
        if self._told is not None and not process.is_dead and not process.is_frozen:
            told, self._told = self._told, None
            super().assign(told)

    def _die(self) -> None:
        self._broker.unfollow(self.topics, self._news)
        self._process.world.loop.call_later(SESSION_S, self.expel)

    def _fall_silent(self, seconds: float) -> None:
        if seconds > SESSION_S:
            self._process.world.loop.call_later(SESSION_S, self.expel)

    def _wake(self) -> None:
        self._process.world.loop.call_later(0, self._hear)
        if self._has_started and not self._is_member:
            self._find_out_later()

    def _find_out_later(self) -> None:
        world = self._process.world
        world.loop.call_later(world.random.random() * FOUND_OUT_S, self._find_out)

    def _find_out(self) -> None:
        """Hear that one is no member any more, and join again."""
        process = self._process
        if process.is_dead or process.is_frozen or self._is_member or self._is_closed:
            return
        self._told = None
        super().assign(set())
        self._is_member = True
        self._broker.join(self._group, self)


class SimulatedEventSink(MemoryEventSink):
    """The EventSink port of one process."""

    def __init__(self, process: Process) -> None:
        """Publish to the world's broker."""
        world = process.world
        super().__init__(world.broker, SimulatedWire(process, world.kafka))
        self._process = process
        self._world = world

    async def close(self) -> None:
        """Publish no more."""
        self._process.check()
        await super().close()

    async def _fence(self, places: Sequence[TopicPartition]) -> None:
        """Partitions hear of it one after the other, whether or not its publisher lives on."""
        epoch, loop = self._epoch, self._world.loop
        for place in places:
            delay = self._world.random.random() * FENCE_S
            loop.call_later(delay, self._broker.fence, place, epoch)
        while any(self._broker.partition(place).epoch < epoch for place in places):
            await asyncio.sleep(FENCED_LOOK_S)
            await self._process.live()

    def _produce(self, place: TopicPartition, records: Sequence[Keyed]) -> None:
        world, epoch = self._world, self._epoch
        if not world.strikes(Fault.LATE_RECORDS):
            self._append(epoch, place, records)
            return
        delay = world.random.random() * LATE_RECORDS_S
        world.note(self._process.name, "sends late", place, len(records), round(delay, 3))
        world.loop.call_later(delay, self._arrive, epoch, place, records)
        raise OutcomeUnknownError("nobody acknowledges the records")

    def _arrive(self, epoch: int, place: TopicPartition, records: Sequence[Keyed]) -> None:
        """What is late arrives, or is refused."""
        with suppress(OutcomeUnknownError):
            self._append(epoch, place, records)
            self._world.note("arrived late", place, len(records))
