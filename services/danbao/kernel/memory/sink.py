"""Writing the broker in memory: the relay's publisher, and the scheduler's commands."""

from collections.abc import Sequence
from datetime import datetime

from danbao.contracts.catalogue import SERVICES, service_of
from danbao.kernel.errors import OutcomeUnknownError
from danbao.kernel.memory.broker import MemoryBroker
from danbao.kernel.memory.wire import DIRECT, Wire
from danbao.kernel.messages import LogRow, TimerRow, TopicPartition
from danbao.kernel.records import event_headers, partition_of, place_of, time_text
from danbao.kernel.topics import commands_topic, events_topic


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
        self._epoch = self._fence()
        await self._settled()
        await self._wire.cross("opened")
        places = self._broker.places(events_topic(service) for service in SERVICES)
        return {place: self._last_position(place) for place in places}

    async def publish(self, rows: Sequence[tuple[TopicPartition, int, LogRow]]) -> None:
        """Publish rows in one transaction, partition by partition as Kafka's clients do."""
        assert self._epoch > 0, "open comes first"
        by_place: dict[TopicPartition, list[tuple[int, LogRow]]] = {}
        for place, previous, row in rows:
            by_place.setdefault(place, []).append((previous, row))
        transaction = self._begin()
        for place, numbered in by_place.items():
            await self._wire.cross("produce")
            self._check(transaction)
            for previous, row in numbered:
                key, headers = row.partition_key.encode(), event_headers(row, previous)
                self._broker.write(transaction, place, key, row.data.encode(), headers)
        await self._wire.cross("end_transaction")
        self._check(transaction)
        await self._end(transaction)

    def place_of(self, row: LogRow) -> TopicPartition:
        """The partition that a row belongs to."""
        return place_of(row, self._broker.partitions)

    async def close(self) -> None:
        """Publish no more."""
        self._epoch = 0

    def _fence(self) -> int:
        """Take over from earlier publishers, whose open transactions are aborted."""
        self._broker.publisher_epoch += 1
        for place in self._broker.undecided():
            for transaction in list(self._broker.partition(place).undecided):
                self._broker.decide(transaction, place, is_committed=False)
        return self._broker.publisher_epoch

    async def _settled(self) -> None:
        """Wait until no transaction is open."""

    def _begin(self) -> int:
        return self._broker.begin_transaction()

    def _check(self, transaction: int) -> None:  # noqa: ARG002 - a simulator ends some early
        """Go on only as the one publisher."""
        if self._epoch != self._broker.publisher_epoch:
            raise OutcomeUnknownError("another publisher has opened the topics")

    async def _end(self, transaction: int) -> None:
        """Commit a transaction, and hear of it."""
        lost, self.lose_next_answer = self.lose_next_answer, None
        for place in self._broker.undecided(transaction):
            self._broker.decide(transaction, place, is_committed=lost is not False)
        if lost is not None:
            raise OutcomeUnknownError("publishing ended unclearly")

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
