"""Reading the broker in memory, as KafkaSource reads Kafka."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress

from danbao.kernel.errors import OffsetError
from danbao.kernel.memory.broker import MemoryBroker
from danbao.kernel.memory.wire import DIRECT, Wire
from danbao.kernel.messages import Record, TopicPartition


class MemorySource:
    """The Source port without a server.

    Newly assigned partitions are held until the worker has claimed them and calls `seek`.
    """

    def __init__(
        self, broker: MemoryBroker, topics: Iterable[str], *, group: str, wire: Wire = DIRECT
    ) -> None:
        """Read topics of a broker as a member of a group, from `start` on."""
        self.topics = tuple(topics)
        self._broker = broker
        self._wire = wire
        self._news = asyncio.Event()
        self._group = group
        self._places: dict[TopicPartition, int] = {}
        """Where each assigned partition goes on."""
        self._held: set[TopicPartition] = set()
        self._unclaimed: set[TopicPartition] = set()
        self._turn = 0
        self._is_joined = False

    async def start(self) -> None:
        """Join the group."""
        await self._wire.cross("join")
        self._broker.follow(self.topics, self._news)
        self._broker.join(self._group, self)

    def assign(self, places: set[TopicPartition]) -> None:
        """Hold every partition until it is claimed; what was read before is forgotten."""
        self._places = dict.fromkeys(sorted(places), 0)
        self._held = set(places)
        self._unclaimed = set(places)
        self._is_joined = True
        self._news.set()

    async def poll(self, records_max: int, wait_s: float) -> Sequence[Record]:
        """Give what is there; wakes early when partitions were assigned."""
        await self._wire.cross("poll")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        while True:
            self._news.clear()
            records = self._take(records_max)
            left = deadline - loop.time()
            if records or self._unclaimed or left <= 0:
                return records
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._news.wait()
            await self._wire.cross("fetch")

    def assigned(self) -> set[TopicPartition]:
        """The partitions that are this worker's now."""
        return set(self._places)

    def is_joined(self) -> bool:
        """Tell whether the group has given this member its partitions."""
        return self._is_joined

    def take_unclaimed(self) -> set[TopicPartition]:
        """Partitions that were assigned and not claimed yet; each is given once."""
        unclaimed, self._unclaimed = self._unclaimed, set()
        return unclaimed

    async def bounds(
        self, places: Iterable[TopicPartition]
    ) -> dict[TopicPartition, tuple[int, int]]:
        """First offset that is there, and the offset that the next record will get."""
        await self._wire.cross("bounds")
        partitions = {place: self._broker.partition(place) for place in places}
        return {place: (p.begin, p.end) for place, p in partitions.items()}

    def seek(self, place: TopicPartition, offset: int) -> None:
        """Go on from an offset, at once."""
        if place in self._places:
            self._places[place] = offset
            self._held.discard(place)

    def hold(self, place: TopicPartition, offset: int) -> None:
        """Give nothing of a partition until `seek`; it will go on from `offset`."""
        if place in self._places:
            self._places[place] = offset
            self._held.add(place)

    def oldest_s(self) -> float | None:
        """Unknown: records in memory have no time."""
        return None

    async def lag(self) -> int:
        """Offsets that wait."""
        return sum(
            self._broker.partition(place).end - offset for place, offset in self._places.items()
        )

    async def close(self) -> None:
        """Leave the group."""
        self._broker.unfollow(self.topics, self._news)
        self._broker.leave(self._group, self)

    def _take(self, records_max: int) -> list[Record]:
        """Take records partition by partition; each time another one comes first."""
        taken: list[Record] = []
        places = list(self._places)
        if places:
            self._turn = (self._turn + 1) % len(places)
        for place in places[self._turn :] + places[: self._turn]:
            if place in self._held:
                continue
            partition, offset = self._broker.partition(place), self._places[place]
            if offset == partition.end:
                continue
            if not partition.begin <= offset <= partition.end:
                raise OffsetError(f"{place.topic}/{place.partition} has no offset {offset}")
            records, self._places[place] = partition.after(offset, records_max - len(taken))
            taken.extend(records)
            if len(taken) >= records_max:
                break
        return taken
