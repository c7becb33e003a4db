"""Lag: how many records each service has still to read, of each topic."""

from collections import Counter
from collections.abc import Mapping, Sequence

import asyncpg
from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.errors import KafkaError

from danbao.kernel.errors import UnavailableError
from danbao.kernel.kafka_clients import make_consumer
from danbao.kernel.messages import TopicPartition, is_events_topic
from danbao.kernel.sql import load_queries

Q = load_queries("danbao.kernel", "lag.sql")
MARKER = 1
"""A partition of events ends with the marker of its last transaction, which nobody reads."""


class LagMeter:
    """Compares the ends of all topics with what the services have read.

    `reads` has the topics of each service.  Markers of transactions count as records while a
    partition is behind by several, so the lag is rather too large than too small.
    """

    def __init__(self, bootstrap: str, reads: Mapping[str, Sequence[str]], partitions: int) -> None:
        self._bootstrap = bootstrap
        self._reads = reads
        self._partitions = partitions
        self._consumer: AIOKafkaConsumer | None = None

    async def read(self, connection: asyncpg.Connection) -> Counter[tuple[str, str]]:
        """Give the lag by service and topic, in records.

        Raises:
            UnavailableError: Kafka does not answer.
        """
        offsets = {
            (row["service"], TopicPartition(row["topic"], row["partition"])): row["next_offset"]
            for row in await connection.fetch(Q["offsets"])
        }
        ends = await self._ends()
        lags: Counter[tuple[str, str]] = Counter()
        for service, topics in self._reads.items():
            for place, end in ends.items():
                if place.topic in topics:
                    behind = end - offsets.get((service, place), 0)
                    behind -= MARKER if is_events_topic(place) else 0
                    lags[service, place.topic] += max(0, behind)
        return lags

    async def _ends(self) -> dict[TopicPartition, int]:
        topics = sorted({topic for topics in self._reads.values() for topic in topics})
        places = [KafkaPartition(t, p) for t in topics for p in range(self._partitions)]
        try:
            if self._consumer is None:
                consumer = make_consumer(self._bootstrap, client_id="danbao-lag")
                await consumer.start()
                self._consumer = consumer
            found = await self._consumer.end_offsets(places)
        except (KafkaError, OSError) as error:
            await self.close()
            raise UnavailableError(f"Kafka does not answer: {error!r}") from error
        return {TopicPartition(*place): end for place, end in found.items()}

    async def close(self) -> None:
        """Let go of the consumer."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()


def by_service(lags: Mapping[tuple[str, str], int]) -> Counter[str]:
    """Add up the topics of each service."""
    sums: Counter[str] = Counter()
    for (service, _), lag in lags.items():
        sums[service] += lag
    return sums
