"""Checkpoints in Kafka: topic `danbao.checkpoints`, key = the log's name, value = the note."""

import asyncio
from contextlib import suppress

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from danbao.kernel.errors import UnavailableError
from danbao.kernel.kafka.clients import make_producer
from danbao.kernel.kafka.tail import last_events
from danbao.kernel.messages import TopicPartition
from danbao.kernel.records import partition_of
from danbao.kernel.topics import CHECKPOINTS_TOPIC

DEADLINE_S = 15
CLOSE_WITHIN_S = 2
HEADERS = [("content-type", b"text/plain; charset=utf-8")]


def place_of_log(origin: str, partitions: int) -> TopicPartition:
    """The partition that has the checkpoints of a log, in order."""
    return TopicPartition(CHECKPOINTS_TOPIC, partition_of(origin, partitions))


class CheckpointTopic:
    """Publishes checkpoints, and says which was published last."""

    def __init__(self, bootstrap: str, partitions: int) -> None:
        self._bootstrap = bootstrap
        self._partitions = partitions
        self._producer: AIOKafkaProducer | None = None

    async def last(self, origin: str) -> str | None:
        """The last note of a log; None when there is none.

        Raises:
            UnavailableError: Kafka does not answer.
        """
        place = place_of_log(origin, self._partitions)
        try:
            async with asyncio.timeout(DEADLINE_S):
                record = (await last_events(self._bootstrap, [place])).get(place)
        except (KafkaError, TimeoutError, OSError) as error:
            raise UnavailableError(f"Kafka does not answer: {error!r}") from error
        if record is None or record.key != origin.encode() or record.value is None:
            return None
        return record.value.decode(errors="replace")

    async def publish(self, origin: str, note: str) -> None:
        """Publish a note; returns when it is acknowledged.

        Raises:
            UnavailableError: Kafka does not answer; whether it was published is not known.
        """
        place = place_of_log(origin, self._partitions)
        try:
            async with asyncio.timeout(DEADLINE_S):
                if self._producer is None:
                    producer = make_producer(self._bootstrap, client_id="danbao-checkpointer")
                    await producer.start()
                    self._producer = producer
                await self._producer.send_and_wait(
                    place.topic,
                    value=note.encode(),
                    key=origin.encode(),
                    partition=place.partition,
                    headers=HEADERS,
                )
        except (KafkaError, TimeoutError, OSError) as error:
            await self.close()
            raise UnavailableError(f"Kafka does not answer: {error!r}") from error

    async def close(self) -> None:
        """Let go of the producer."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(KafkaError, TimeoutError, asyncio.CancelledError, OSError):
                await asyncio.wait_for(producer.stop(), CLOSE_WITHIN_S)
