"""Lag: how many records each service has still to read, of each topic."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TypeAlias

import asyncpg
from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.errors import KafkaError

from danbao.kernel.errors import UnavailableError
from danbao.kernel.kafka.clients import make_consumer
from danbao.kernel.lag_ages import first_unread, without_records
from danbao.kernel.messages import TopicPartition, is_events_topic
from danbao.kernel.sql import load_queries

Q = load_queries("danbao.kernel", "lag.sql")
Standing: TypeAlias = dict[tuple[str, TopicPartition], tuple[int, int]]
"""Next offset and lag, by service and partition."""


class LagMeter:
    """Compares the ends of all topics with what the services have read.

    `reads` has the topics of each service.  A relay's fences take offsets too: where nobody has
    moved since the last look, somebody reads on to see whether only they are left.
    """

    def __init__(self, bootstrap: str, reads: Mapping[str, Sequence[str]], partitions: int) -> None:
        self._bootstrap = bootstrap
        self._reads = reads
        self._partitions = partitions
        self._consumer: AIOKafkaConsumer | None = None
        self._furthest: dict[TopicPartition, int] = {}
        """How far the foremost service was at the last look."""
        self._fenced: dict[TopicPartition, tuple[int, int]] = {}
        """Where there are only fences: from an offset to the end."""

    async def read(self, connection: asyncpg.Connection) -> Counter[tuple[str, str]]:
        """Give the lag by service and topic, in records.

        Raises:
            UnavailableError: Kafka does not answer.
        """
        lags: Counter[tuple[str, str]] = Counter()
        for (service, place), (_, behind) in (await self.standing(connection)).items():
            lags[service, place.topic] += behind
        return lags

    async def ages(self, connection: asyncpg.Connection) -> dict[tuple[str, str], float]:
        """Give when the oldest unread record was made, by service and topic, where there is one.

        Raises:
            UnavailableError: Kafka does not answer.
        """
        oldest: dict[tuple[str, str], float] = {}
        for service, standing in groupby((await self.standing(connection)).items(), _service):
            behind = {place: offset for (_, place), (offset, lag) in standing if lag}
            for place, made_at in (await first_unread(self._bootstrap, behind)).items():
                key = service, place.topic
                oldest[key] = min(made_at, oldest.get(key, made_at))
        return oldest

    async def standing(self, connection: asyncpg.Connection) -> Standing:
        """Give the next offset and the lag of each partition of each service."""
        offsets = {
            (row["service"], TopicPartition(row["topic"], row["partition"])): row["next_offset"]
            for row in await connection.fetch(Q["offsets"])
        }
        furthest: dict[TopicPartition, int] = {}
        for (_, place), offset in offsets.items():
            furthest[place] = max(offset, furthest.get(place, 0))
        ends = await self._without_fences(furthest, await self._ends())
        standing: Standing = {}
        for service, topics in self._reads.items():
            for place, end in ends.items():
                if place.topic in topics:
                    offset = offsets.get((service, place), 0)
                    standing[service, place] = offset, max(0, end - offset)
        return standing

    async def _without_fences(
        self, furthest: dict[TopicPartition, int], ends: dict[TopicPartition, int]
    ) -> dict[TopicPartition, int]:
        """Give the ends of what there is to read."""
        asked = {
            place: offset
            for place, offset in furthest.items()
            if is_events_topic(place)
            and offset < ends.get(place, 0)
            and self._furthest.get(place, offset) == offset
            and self._fenced.get(place) != (offset, ends[place])
        }
        self._furthest = furthest
        for place in await without_records(self._bootstrap, asked):
            self._fenced[place] = asked[place], ends[place]
        without = {p: offset for p, (offset, end) in self._fenced.items() if end == ends.get(p)}
        return ends | without

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


def _service(item: tuple[tuple[str, TopicPartition], object]) -> str:
    return item[0][0]


def by_service(lags: Mapping[tuple[str, str], int]) -> Counter[str]:
    """Add up the topics of each service."""
    sums: Counter[str] = Counter()
    for (service, _), lag in lags.items():
        sums[service] += lag
    return sums
