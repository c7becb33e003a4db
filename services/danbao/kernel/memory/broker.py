"""The broker in memory: topics, partitions and groups; nothing outlives the process.

Offsets have gaps as on Kafka: fences, and what an aborted transaction wrote, take offsets that no
reader is given.  `memory.source` and `memory.sink` are its clients.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from danbao.kernel.messages import Headers, Record, TopicPartition
from danbao.kernel.records import partition_of
from danbao.kernel.topics import declared_topics

PARTITIONS = 8


@dataclass(slots=True)
class Partition:
    """Records in order; None stands for an offset that holds no record for readers."""

    begin: int = 0
    slots: list[Record | None] = field(default_factory=list)
    epoch: int = 0
    """Of the last publisher whose fence has arrived here; earlier ones are refused."""

    @property
    def end(self) -> int:
        """The offset that the next record will get."""
        return self.begin + len(self.slots)

    def after(self, offset: int, records_max: int) -> tuple[list[Record], int]:
        """Give records from an offset on, at most so many, and the offset to go on from."""
        records: list[Record] = []
        while offset < self.end and len(records) < records_max:
            record = self.slots[offset - self.begin]
            if record is not None:
                records.append(record)
            offset += 1
        return records, offset

    def fence(self, epoch: int) -> None:
        """Hear of a publisher, which takes an offset too."""
        self.epoch = max(self.epoch, epoch)
        self.slots.append(None)

    def last(self) -> Record | None:
        """Give the last record that readers see."""
        return next((record for record in reversed(self.slots) if record is not None), None)


class Member(Protocol):
    """A source, as its group sees it."""

    topics: tuple[str, ...]

    def assign(self, places: set[TopicPartition]) -> None:
        """Read these partitions from now on, and no others."""
        ...


class MemoryBroker:
    """Topics that live as long as this object."""

    def __init__(self, partitions: int = PARTITIONS, topics: Iterable[str] = ()) -> None:
        """Make the engine's own topics, and further ones."""
        self.partitions = partitions
        self._topics: dict[str, list[Partition]] = {}
        self._groups: dict[str, list[Member]] = {}
        self._waiting: dict[str, list[asyncio.Event]] = {}
        """Who is to be woken when a topic has something new."""
        self.publisher_epoch = 0
        """Raised by whoever becomes the one publisher of events."""
        for topic in (*declared_topics(), *topics):
            self.create(topic)

    def create(self, topic: str, partitions: int | None = None) -> None:
        """Make an empty topic."""
        count = self.partitions if partitions is None else partitions
        self._topics[topic] = [Partition() for _ in range(count)]

    def partition(self, place: TopicPartition) -> Partition:
        """Give one partition.

        Raises:
            LookupError: there is none.
        """
        return self._topics[place.topic][place.partition]

    def places(self, topics: Iterable[str] | None = None) -> list[TopicPartition]:
        """Give the partitions of these topics, or of all."""
        return [
            TopicPartition(topic, number)
            for topic in (self._topics if topics is None else topics)
            for number in range(len(self._topics[topic]))
        ]

    def records(self, topic: str) -> list[Record]:
        """Give all records of a topic, partition by partition."""
        return [
            record
            for partition in self._topics[topic]
            for record in partition.slots
            if record is not None
        ]

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
        partition: int | None = None,
    ) -> Record:
        """Append a record; without a partition the key decides, as for Kafka's own clients."""
        if partition is None:
            flow = (key or b"").decode(errors="replace")
            partition = partition_of(flow, len(self._topics[topic]))
        record = self._append(TopicPartition(topic, partition), key, value, headers)
        self._wake(topic)
        return record

    def fence(self, place: TopicPartition, epoch: int) -> None:
        """Let a partition hear of the publisher that it takes events of from now on."""
        self.partition(place).fence(epoch)
        self._wake(place.topic)

    def abort_some(self, place: TopicPartition, records: int) -> None:
        """Let a transaction write so many records and be aborted: only offsets are left."""
        self.partition(place).slots.extend([None] * (records + 1))
        self._wake(place.topic)

    def forget_before(self, place: TopicPartition, offset: int) -> None:
        """Delete old records, as retention does."""
        partition = self.partition(place)
        del partition.slots[: offset - partition.begin]
        partition.begin = offset

    def join(self, group: str, member: Member) -> None:
        """Take a member into a group; partitions are shared out anew."""
        self._groups.setdefault(group, []).append(member)
        self._share_out(group)

    def leave(self, group: str, member: Member) -> None:
        """Let a member go; the others get its partitions."""
        members = self._groups.get(group, [])
        if member in members:
            members.remove(member)
            member.assign(set())
            self._share_out(group)

    def expel(self, group: str, member: Member) -> None:
        """Give a silent member's partitions to the others; it does not hear of it."""
        members = self._groups.get(group, [])
        if member in members:
            members.remove(member)
            self._share_out(group)

    def follow(self, topics: Iterable[str], news: asyncio.Event) -> None:
        """Let somebody know whenever a topic has something new."""
        for topic in topics:
            self._waiting.setdefault(topic, []).append(news)

    def unfollow(self, topics: Iterable[str], news: asyncio.Event) -> None:
        """Let somebody know no longer."""
        for topic in topics:
            if news in (waiting := self._waiting.get(topic, [])):
                waiting.remove(news)

    def _append(
        self, place: TopicPartition, key: bytes | None, value: bytes | None, headers: Headers
    ) -> Record:
        partition = self.partition(place)
        record = Record(place, partition.end, key, value, tuple(headers))
        partition.slots.append(record)
        return record

    def _share_out(self, group: str) -> None:
        """Give each member a range of every topic it reads (Kafka's RangePartitionAssignor).

        Everybody's assignment is new, those who keep their partitions included.
        """
        members = self._groups[group]
        shares: Mapping[int, set[TopicPartition]] = {id(member): set() for member in members}
        for topic in sorted({topic for member in members for topic in member.topics}):
            readers = [member for member in members if topic in member.topics]
            count, extra = divmod(len(self._topics[topic]), len(readers))
            begin = 0
            for number, reader in enumerate(readers):
                end = begin + count + (number < extra)
                shares[id(reader)].update(TopicPartition(topic, n) for n in range(begin, end))
                begin = end
        for member in members:
            member.assign(shares[id(member)])

    def _wake(self, topic: str) -> None:
        for news in self._waiting.get(topic, ()):
            news.set()
