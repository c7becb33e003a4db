"""Writing Kafka: the relay's publisher, and the scheduler's commands."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from aiokafka import AIOKafkaProducer
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder

from danbao.contracts.catalogue import SERVICES, service_of
from danbao.kernel.errors import OutcomeUnknownError, UnavailableError
from danbao.kernel.kafka.clients import make_producer
from danbao.kernel.kafka.fence import fence, take_on
from danbao.kernel.kafka.stopping import stop
from danbao.kernel.kafka.tail import last_positions
from danbao.kernel.messages import LogRow, Numbered, TimerRow, TopicPartition
from danbao.kernel.ports import Prepared
from danbao.kernel.records import event_headers, partition_of, place_of, time_text
from danbao.kernel.topics import commands_topic, events_topic

BATCH_BYTES = 512 * 1024
GIVE_WAY_ROWS = 200
"""Making this many records takes about a millisecond, for which nothing can be sent."""
DEADLINE_S = 10
"""No call of the producer may take longer (reliability 2a A4, A7b)."""
TRANSACTIONAL_ID = "danbao.relay.0"
"""Whoever has it last is the one publisher of the events topics: see `fence`."""


class KafkaEventSink:
    """Publishes the log behind a fence; after any unclear answer it opens anew.

    With `topic`, all events go there and not to the topics of their services: a replay.
    """

    def __init__(self, bootstrap: str, partitions: int, topic: str | None = None) -> None:
        self._bootstrap = bootstrap
        self._partitions = partitions
        self._topic = topic
        self._producer: AIOKafkaProducer | None = None

    async def open(self) -> dict[TopicPartition, int]:
        """Fence earlier publishers, and find out what each partition holds."""
        await self.close()
        topics = [self._topic] if self._topic else map(events_topic, SERVICES)
        places = [
            TopicPartition(topic, partition)
            for topic in topics
            for partition in range(self._partitions)
        ]
        try:
            async with asyncio.timeout(DEADLINE_S):
                self._producer = await self._start([KafkaPartition(*place) for place in places])
            async with asyncio.timeout(DEADLINE_S * 3):
                return await last_positions(self._bootstrap, places)
        except (KafkaError, TimeoutError, OSError, UnavailableError) as error:
            await self._give_up()
            if isinstance(error, UnavailableError):
                raise
            raise UnavailableError(f"Kafka does not answer: {error!r}") from error

    async def _start(self, partitions: Sequence[KafkaPartition]) -> AIOKafkaProducer:
        """Fence these partitions, and start a producer that publishes behind the fence."""
        topic = self._topic
        client_id = "danbao-relay" if topic is None else "danbao-replay"
        transactional_id = TRANSACTIONAL_ID if topic is None else f"danbao.replay.{topic}"
        identity = await fence(self._bootstrap, transactional_id, partitions, client_id=client_id)
        producer = make_producer(
            self._bootstrap,
            client_id=client_id,
            max_batch_size=BATCH_BYTES,
            max_request_size=BATCH_BYTES * 2,
            linger_ms=0,
        )
        take_on(producer, identity)
        try:
            await producer.start()
        except BaseException:
            await stop(producer, is_dead=True)
            raise
        return producer

    async def prepare(self, rows: Sequence[Numbered]) -> Prepared:
        """Make batches of rows, in order; gives way to what is being published."""
        producer = self._producer
        assert producer is not None
        batches: list[tuple[TopicPartition, BatchBuilder]] = []
        filling: dict[TopicPartition, BatchBuilder] = {}
        for number, (place, previous, row) in enumerate(rows, start=1):
            fields = {
                "key": row.partition_key.encode(),
                "value": row.data.encode(),
                "timestamp": None,
                "headers": event_headers(row, previous),
            }
            batch = filling.get(place)
            if batch is None or batch.append(**fields) is None:
                batch = filling[place] = producer.create_batch()
                batches.append((place, batch))
                batch.append(**fields)
            if number % GIVE_WAY_ROWS == 0:
                await asyncio.sleep(0)
        return batches

    async def publish(self, records: Prepared) -> None:
        """Publish batches; returns when each is acknowledged, or says that it is unclear which are.

        A producer that waits in vain is given up: what it has on its way arrives before the next
        one's fence, or is refused by it.
        """
        producer = self._producer
        assert producer is not None
        try:
            async with asyncio.timeout(DEADLINE_S):
                await self._send(producer, records)
        except (KafkaError, TimeoutError, OSError) as error:
            await self._give_up()
            raise OutcomeUnknownError(f"publishing ended unclearly: {error!r}") from error

    async def _send(self, producer: AIOKafkaProducer, records: Prepared) -> None:
        sent = [
            await producer.send_batch(batch, place.topic, partition=place.partition)
            for place, batch in records
        ]
        for outcome in await asyncio.gather(*sent, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    def place_of(self, row: LogRow) -> TopicPartition:
        """The partition that a row belongs to."""
        if self._topic is not None:
            return TopicPartition(self._topic, partition_of(row.partition_key, self._partitions))
        return place_of(row, self._partitions)

    async def close(self) -> None:
        """Let go of the producer."""
        producer, self._producer = self._producer, None
        await stop(producer)

    async def _give_up(self) -> None:
        """Let go of a producer that waits in vain."""
        producer, self._producer = self._producer, None
        await stop(producer, is_dead=True)


class KafkaCommandSink:
    """Sends the commands of deadlines that have come."""

    def __init__(self, bootstrap: str, partitions: int) -> None:
        self._bootstrap = bootstrap
        self._partitions = partitions
        self._producer: AIOKafkaProducer | None = None

    async def send(self, timers: Sequence[TimerRow], now: datetime) -> None:
        """Send commands; returns when all are acknowledged."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                if self._producer is None:
                    producer = make_producer(self._bootstrap, client_id="danbao-scheduler")
                    await producer.start()
                    self._producer = producer
                futures = [await self._send(self._producer, timer, now) for timer in timers]
                for future in futures:
                    await future
        except (KafkaError, TimeoutError, OSError) as error:
            await self._give_up()
            raise UnavailableError(f"Kafka does not answer: {error!r}") from error

    async def _send(
        self, producer: AIOKafkaProducer, timer: TimerRow, now: datetime
    ) -> asyncio.Future[object]:
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
        future: asyncio.Future[object] = await producer.send(
            commands_topic(service_of(timer.type)),
            value=timer.data.encode(),
            key=key.encode(),
            partition=partition_of(key, self._partitions),
            headers=headers,
        )
        return future

    async def close(self) -> None:
        """Let go of the producer."""
        producer, self._producer = self._producer, None
        await stop(producer)

    async def _give_up(self) -> None:
        """Let go of a producer that waits in vain."""
        producer, self._producer = self._producer, None
        await stop(producer, is_dead=True)
