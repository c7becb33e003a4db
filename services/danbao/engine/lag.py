"""Lag: how many records each service has still to read."""

import asyncpg
from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition

from danbao.app import SERVICES
from danbao.engine.idle import Q, topics_of
from danbao.kernel.kafka_clients import make_consumer
from danbao.kernel.messages import TopicPartition, is_events_topic

MARKER = 1
"""A partition of events ends with the marker of its last transaction, which nobody reads."""


class LagMeter:
    """Compares the ends of all topics with what the services have read."""

    def __init__(self, bootstrap: str, partitions: int) -> None:
        self._bootstrap = bootstrap
        self._partitions = partitions
        self._consumer: AIOKafkaConsumer | None = None

    async def read(self, connection: asyncpg.Connection) -> dict[str, int]:
        """Give the lag of each service, in records."""
        if self._consumer is None:
            consumer = make_consumer(self._bootstrap, client_id="danbao-lag")
            await consumer.start()
            self._consumer = consumer
        topics = {topic for service in SERVICES for topic in topics_of(service)}
        places = [TopicPartition(t, p) for t in topics for p in range(self._partitions)]
        found = await self._consumer.end_offsets([KafkaPartition(*place) for place in places])
        ends = {TopicPartition(*place): end for place, end in found.items()}
        lags = dict.fromkeys(SERVICES, 0)
        for row in await connection.fetch(Q["offsets"]):
            place = TopicPartition(row["topic"], row["partition"])
            markers = MARKER if is_events_topic(place) else 0
            lag = ends.get(place, 0) - row["next_offset"] - markers
            if row["service"] in lags:
                lags[row["service"]] += max(0, lag)
        return lags

    async def close(self) -> None:
        """Let go of the consumer."""
        if self._consumer is not None:
            await self._consumer.stop()
            self._consumer = None
