"""Kafka as a simulated process sees it: groups are told late, and transactions end late.

A member that is silent loses its partitions to the others and hears of it only when it wakes: until
then two workers believe to own the same.  The end of a transaction may arrive when its sender has
given up, and then ends whatever that producer has open by then (Jepsen on Bufstream, 2024).
"""

import asyncio
from collections.abc import Iterable

from danbao.kernel.errors import OutcomeUnknownError
from danbao.kernel.memory.sink import MemoryEventSink
from danbao.kernel.memory.source import MemorySource
from danbao.kernel.messages import TopicPartition
from danbao.testing.simulation.faults import Fault
from danbao.testing.simulation.process import Process, SimulatedWire

SESSION_S = 6.0
TOLD_S = 0.2
"""After how long a member hears of its new partitions, usually."""
FOUND_OUT_S = 3.0
"""After how long a member finds out that it was expelled, at most."""
TRANSACTION_S = 10.0
LATE_END_S = 8.0
MARKER_S = 0.01
SETTLED_LOOK_S = 0.02


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


class Coordinator:
    """What the broker knows of the transactions of the events' publishers."""

    def __init__(self) -> None:
        """None is open."""
        self.ending: set[int] = set()
        """Decided to be committed; some partitions do not know yet."""
        self.current: dict[int, int] = {}
        """The open transaction of each epoch."""


class SimulatedEventSink(MemoryEventSink):
    """The EventSink port of one process."""

    def __init__(self, process: Process, coordinator: Coordinator) -> None:
        """Publish to the world's broker."""
        world = process.world
        super().__init__(world.broker, SimulatedWire(process, world.kafka))
        self._process = process
        self._world = world
        self._coordinator = coordinator

    async def close(self) -> None:
        """Publish no more."""
        self._process.check()
        await super().close()

    def _fence(self) -> int:
        """Abort what earlier publishers have open; what is decided stays so."""
        broker = self._broker
        broker.publisher_epoch += 1
        for place in broker.undecided():
            for transaction in list(broker.partition(place).undecided):
                if transaction not in self._coordinator.ending:
                    broker.decide(transaction, place, is_committed=False)
        return broker.publisher_epoch

    async def _settled(self) -> None:
        while self._broker.undecided():
            await asyncio.sleep(SETTLED_LOOK_S)
            await self._process.live()

    def _begin(self) -> int:
        transaction = super()._begin()
        self._coordinator.current[self._epoch] = transaction
        self._world.loop.call_later(TRANSACTION_S, lambda: self._time_out(transaction))
        return transaction

    def _check(self, transaction: int) -> None:
        super()._check(transaction)
        if self._coordinator.current.get(self._epoch) != transaction:
            raise OutcomeUnknownError("the broker has ended the transaction")

    async def _end(self, transaction: int) -> None:
        world, epoch = self._world, self._epoch
        if world.strikes(Fault.LATE_END):
            delay = world.random.random() * LATE_END_S
            world.note(self._process.name, "ends late", transaction, round(delay, 3))
            world.loop.call_later(delay, lambda: self._arrive(epoch))
            raise OutcomeUnknownError("nobody answers to the end of the transaction")
        self._arrive(epoch)
        while self._broker.undecided(transaction):  # noqa: ASYNC110 - the same
            await asyncio.sleep(SETTLED_LOOK_S)
        await self._wire.cross("ended")

    def _arrive(self, epoch: int) -> None:
        """End what the producer of an epoch has open, unless it is fenced."""
        transaction = self._coordinator.current.pop(epoch, None)
        if transaction is None or epoch != self._broker.publisher_epoch:
            return
        self._coordinator.ending.add(transaction)
        self._world.note("published", transaction)
        for place in self._broker.undecided(transaction):
            delay = self._world.random.random() * MARKER_S
            self._world.loop.call_later(delay, self._mark, transaction, place)

    def _mark(self, transaction: int, place: TopicPartition) -> None:
        self._broker.decide(transaction, place, is_committed=True)

    def _time_out(self, transaction: int) -> None:
        """Abort a transaction that nobody ended for too long; its producer is fenced."""
        if transaction not in self._coordinator.current.values():
            return
        for epoch, open_ in list(self._coordinator.current.items()):
            if open_ == transaction:
                del self._coordinator.current[epoch]
        for place in self._broker.undecided(transaction):
            self._broker.decide(transaction, place, is_committed=False)
