"""The two brokers of the conformance suite, and what a test may look into."""

import gc
from collections.abc import Sequence
from itertools import count
from typing import Protocol

from aiokafka import TopicPartition as KafkaPartition
from aiokafka.admin import NewTopic

from danbao.kernel.kafka.clients import make_admin, make_consumer, make_producer
from danbao.kernel.kafka.sink import KafkaCommandSink, KafkaEventSink
from danbao.kernel.kafka.source import KafkaSource
from danbao.kernel.memory.broker import MemoryBroker
from danbao.kernel.memory.sink import MemoryCommandSink, MemoryEventSink
from danbao.kernel.memory.source import MemorySource
from danbao.kernel.messages import Record, TopicPartition
from danbao.kernel.ports import CommandSink, EventSink, Source
from danbao.kernel.topics import described

_numbers = count(1)


class Broker(Protocol):
    """One broker; sources and sinks are processes of their own on it."""

    partitions: int

    async def topic(self) -> str: ...

    def source(self, topic: str, group: str) -> Source: ...

    def event_sink(self) -> EventSink: ...

    def command_sink(self) -> CommandSink: ...

    async def send(self, place: TopicPartition, *values: bytes) -> None: ...

    async def abort_some(self, place: TopicPartition, records: int) -> None: ...

    async def records(self, topic: str) -> Sequence[Record]: ...

    async def close(self) -> None: ...


class OnMemory:
    """The broker in memory."""

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions
        self._broker = MemoryBroker(partitions)

    async def topic(self) -> str:
        name = f"test.{next(_numbers)}"
        self._broker.create(name)
        return name

    def source(self, topic: str, group: str) -> MemorySource:
        return MemorySource(self._broker, [topic], group=group)

    def event_sink(self) -> MemoryEventSink:
        return MemoryEventSink(self._broker)

    def command_sink(self) -> MemoryCommandSink:
        return MemoryCommandSink(self._broker)

    async def send(self, place: TopicPartition, *values: bytes) -> None:
        for value in values:
            self._broker.send(place.topic, b"k", value, [("ce_id", b"1")], place.partition)

    async def abort_some(self, place: TopicPartition, records: int) -> None:
        self._broker.abort_some(place, records)

    async def records(self, topic: str) -> Sequence[Record]:
        return self._broker.records(topic)

    async def close(self) -> None:
        """Nothing is left behind."""


class KafkaBroker:
    """A real broker."""

    def __init__(self, bootstrap: str, partitions: int) -> None:
        self.partitions = partitions
        self._bootstrap = bootstrap
        self._opened: list[Source | EventSink | CommandSink] = []

    async def topic(self) -> str:
        name = f"test.{next(_numbers)}"
        admin = make_admin(self._bootstrap, client_id="test")
        await admin.start()
        await admin.create_topics([NewTopic(name, self.partitions, 1)])
        await described(admin, [name])
        await admin.close()
        return name

    def source(self, topic: str, group: str) -> KafkaSource:
        source = KafkaSource(
            self._bootstrap,
            [topic],
            group=f"{group}.{topic}",
            client_id="test",
            session_timeout_ms=6_000,
            fetch_bytes_max=262_144,
            fetch_wait_ms=100,
        )
        self._opened.append(source)
        return source

    def event_sink(self) -> KafkaEventSink:
        sink = KafkaEventSink(self._bootstrap, self.partitions)
        self._opened.append(sink)
        return sink

    def command_sink(self) -> KafkaCommandSink:
        sink = KafkaCommandSink(self._bootstrap, self.partitions)
        self._opened.append(sink)
        return sink

    async def send(self, place: TopicPartition, *values: bytes) -> None:
        async with make_producer(self._bootstrap, client_id="test") as producer:
            for value in values:
                await producer.send(
                    place.topic,
                    value,
                    key=b"k",
                    partition=place.partition,
                    headers=[("ce_id", b"1")],
                )
            await producer.flush()

    async def abort_some(self, place: TopicPartition, records: int) -> None:
        producer = make_producer(self._bootstrap, client_id="test", transactional_id="test.abort")
        async with producer:
            await producer.begin_transaction()
            for _ in range(records):
                sent = await producer.send(place.topic, b"{}", partition=place.partition)
                await sent
            await producer.abort_transaction()

    async def records(self, topic: str) -> Sequence[Record]:
        consumer = make_consumer(self._bootstrap, client_id="test", fetch_max_wait_ms=50)
        found: list[Record] = []
        async with consumer:
            partitions = [KafkaPartition(topic, number) for number in range(self.partitions)]
            consumer.assign(partitions)
            for partition in partitions:
                consumer.seek(partition, 0)
            ends = await self._ends(partitions)
            while [p for p in partitions if await consumer.position(p) < ends[p]]:
                for partition, batch in (await consumer.getmany(timeout_ms=100)).items():
                    place = TopicPartition(*partition)
                    found.extend(
                        Record(place, each.offset, each.key, each.value, each.headers)
                        for each in batch
                    )
        return found

    async def _ends(self, partitions: list[KafkaPartition]) -> dict[KafkaPartition, int]:
        """The ends that will be: Kafka ends a transaction a moment after it said so."""
        consumer = make_consumer(
            self._bootstrap, client_id="test", isolation_level="read_uncommitted"
        )
        async with consumer:
            ends: dict[KafkaPartition, int] = await consumer.end_offsets(partitions)
        return ends

    async def close(self) -> None:
        for each in self._opened:
            await each.close()
        self._opened.clear()
        gc.collect()  # aiokafka's tasks that nobody asked for their failure: log them here
