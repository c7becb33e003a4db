"""Writing the broker in memory: the relay's publisher, and the scheduler's commands."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

from danbao.contracts.catalogue import SERVICES, service_of
from danbao.kernel.errors import OutcomeUnknownError
from danbao.kernel.memory.broker import MemoryBroker
from danbao.kernel.memory.wire import DIRECT, Wire
from danbao.kernel.messages import Headers, LogRow, Numbered, TimerRow, TopicPartition
from danbao.kernel.ports import Prepared
from danbao.kernel.records import event_headers, partition_of, place_of, time_text
from danbao.kernel.topics import commands_topic, events_topic

Keyed: TypeAlias = tuple[bytes, bytes, Headers]
"""Key, value and headers of an event's record."""


class MemoryEventSink:
    """The EventSink port without a server: the last one opened is the only publisher."""

    def __init__(self, broker: MemoryBroker, wire: Wire = DIRECT) -> None:
        """Publish to a broker, from `open` on."""
        self._broker = broker
        self._wire = wire
        self._epoch = 0
        self.lose_next_answer: bool | None = None
        """Let the next publishing end unclearly: True when it happened all the same."""

    async def open(self) -> dict[TopicPartition, int]:
        """Fence earlier publishers, and find out what each partition holds."""
        await self._wire.cross("open")
        self._broker.publisher_epoch += 1
        self._epoch = self._broker.publisher_epoch
        places = self._broker.places(events_topic(service) for service in SERVICES)
        await self._fence(places)
        await self._wire.cross("opened")
        return {place: self._last_position(place) for place in places}

    async def prepare(self, rows: Sequence[Numbered]) -> Prepared:
        """Make records of rows, partition by partition as Kafka's clients do."""
        by_place: dict[TopicPartition, list[Keyed]] = {}
        for place, previous, row in rows:
            record = row.partition_key.encode(), row.data.encode(), event_headers(row, previous)
            by_place.setdefault(place, []).append(record)
        return list(by_place.items())

    async def publish(self, records: Prepared) -> None:
        """Publish records, one partition after the other."""
        assert self._epoch > 0, "open comes first"
        lost, self.lose_next_answer = self.lose_next_answer, None
        for place, of_place in records:
            await self._wire.cross("produce")
            if lost is not False:
                self._produce(place, of_place)
        await self._wire.cross("acknowledged")
        if lost is not None:
            raise OutcomeUnknownError("publishing ended unclearly")

    def place_of(self, row: LogRow) -> TopicPartition:
        """The partition that a row belongs to."""
        return place_of(row, self._broker.partitions)

    async def close(self) -> None:
        """Publish no more."""
        self._epoch = 0

    async def _fence(self, places: Sequence[TopicPartition]) -> None:
        """Return when every partition has heard of this publisher."""
        for place in places:
            self._broker.fence(place, self._epoch)

    def _produce(self, place: TopicPartition, records: Sequence[Keyed]) -> None:
        """Append records to one partition."""
        self._append(self._epoch, place, records)

    def _append(self, epoch: int, place: TopicPartition, records: Sequence[Keyed]) -> None:
        """Append as the publisher of an epoch, unless a later one has fenced the partition."""
        if epoch < self._broker.partition(place).epoch:
            raise OutcomeUnknownError("another publisher has opened the topics")
        for key, value, headers in records:
            self._broker.send(place.topic, key, value, headers, place.partition)

    def _last_position(self, place: TopicPartition) -> int:
        record = self._broker.partition(place).last()
        return 0 if record is None else int(dict(record.headers)["ce_sequence"])


class MemoryCommandSink:
    """The CommandSink port without a server."""

    def __init__(self, broker: MemoryBroker, wire: Wire = DIRECT) -> None:
        """Send to a broker."""
        self._broker = broker
        self._wire = wire

    async def send(self, timers: Sequence[TimerRow], now: datetime) -> None:
        """Send the commands of deadlines."""
        for timer in timers:
            await self._wire.cross("produce")
            key = timer.partition_key
            headers = [
                ("ce_specversion", b"1.0"),
                ("ce_id", timer.timer_id.encode()),
                ("ce_type", timer.type.encode()),
                ("ce_source", b"danbao/scheduler"),
                ("ce_time", time_text(now).encode()),
                ("ce_partitionkey", key.encode()),
                ("ce_correlationid", timer.correlation_id.encode()),
                ("content-type", b"application/json"),
            ]
            self._broker.send(
                commands_topic(service_of(timer.type)),
                key.encode(),
                timer.data.encode(),
                headers,
                partition_of(key, self._broker.partitions),
            )
        await self._wire.cross("acknowledged")

    async def close(self) -> None:
        """Nothing to let go of."""
