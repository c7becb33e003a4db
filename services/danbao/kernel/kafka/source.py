"""Reading Kafka: the group says which partitions are ours, Postgres says from where."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.errors import (
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    RecordTooLargeError,
)

from danbao.kernel.errors import OffsetError, UnavailableError
from danbao.kernel.kafka.clients import REQUEST_TIMEOUT_MS, make_consumer
from danbao.kernel.kafka.gate import FetchGate
from danbao.kernel.messages import Record, TopicPartition

CLOSE_WITHIN_S = 2
TOPICS_LOOK_MS = 5_000
"""How often the group looks at its topics anew: a member that led a rebalance before its broker
knew their partitions has assigned none, and nobody reads until the next look."""
JOIN_MS = 4_000
"""How much longer than a session a request may take: joining waits for members that are gone."""
LOOK_UP_S = 1.0
"""How long one wait for records lasts at most, so that a new assignment is seen soon."""


class KafkaSource(ConsumerRebalanceListener):  # type: ignore[misc]
    """The real side of the Source port.

    Newly assigned partitions stay paused until the worker has claimed them and calls `seek`.
    """

    def __init__(
        self,
        bootstrap: str,
        topics: Iterable[str],
        *,
        group: str,
        client_id: str,
        session_timeout_ms: int,
        fetch_wait_ms: int,
        fetch_bytes_max: int,
    ) -> None:
        self._topics = list(topics)
        self._make: Callable[[], AIOKafkaConsumer] = partial(
            make_consumer,
            bootstrap,
            client_id=client_id,
            group_id=group,
            session_timeout_ms=session_timeout_ms,
            heartbeat_interval_ms=session_timeout_ms // 3,
            request_timeout_ms=max(REQUEST_TIMEOUT_MS, session_timeout_ms + JOIN_MS),
            fetch_max_wait_ms=fetch_wait_ms,
            max_partition_fetch_bytes=fetch_bytes_max,
            metadata_max_age_ms=TOPICS_LOOK_MS,
        )
        self._consumer = self._make()
        self._gate = FetchGate(self._consumer)
        self._unclaimed: set[TopicPartition] = set()
        self._is_joined = False
        self._oldest_ms: int | None = None

    async def start(self) -> None:
        """Join the group.

        Raises:
            UnavailableError: Kafka does not answer.
        """
        try:
            await self._consumer.start()
        except KafkaError as error:
            await self.close()
            self._consumer = self._make()  # one that failed to start cannot be started again
            self._gate = FetchGate(self._consumer)
            raise UnavailableError(f"Kafka does not answer: {error!r}") from error
        self._consumer.subscribe(self._topics, listener=self)

    async def on_partitions_revoked(self, _: object) -> None:
        """What is in flight is fenced by Postgres; nothing to do but to say so."""
        self._is_joined = False

    async def on_partitions_assigned(self, assigned: Iterable[KafkaPartition]) -> None:
        """Hold every partition until it is claimed."""
        partitions = list(assigned)
        self._is_joined = True
        for partition in partitions:
            self._consumer.seek(partition, 0)
        if partitions:
            self._consumer.pause(*partitions)
        self._unclaimed = {TopicPartition(*partition) for partition in partitions}

    async def poll(self, records_max: int, wait_s: float) -> Sequence[Record]:
        """Give what is there; wakes early when partitions were assigned."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        self._oldest_ms = None
        self._gate.open()
        while True:
            left = max(0.0, deadline - loop.time())
            step = min(left, LOOK_UP_S if self._consumer.assignment() else LOOK_UP_S / 10)
            try:
                batches = await self._consumer.getmany(
                    timeout_ms=int(step * 1000), max_records=records_max
                )
            except NoOffsetForPartitionError:
                batches = {}  # assigned this moment, and about to be claimed
            except (OffsetOutOfRangeError, RecordTooLargeError) as error:
                raise OffsetError(f"Kafka: {error!r}") from error
            except KafkaError as error:
                raise UnavailableError(f"Kafka does not answer: {error!r}") from error
            if batches or self._unclaimed or left <= step:
                self._oldest_ms = min((b[0].timestamp for b in batches.values()), default=None)
                records = _records(batches)
                if len(records) < records_max:
                    self._gate.close()
                return records

    def assigned(self) -> set[TopicPartition]:
        """The partitions that are this worker's now."""
        return {TopicPartition(*partition) for partition in self._consumer.assignment()}

    def is_joined(self) -> bool:
        """Tell whether the group has given this member its partitions."""
        return self._is_joined

    def take_unclaimed(self) -> set[TopicPartition]:
        """Partitions that were assigned and not claimed yet; each is given once."""
        unclaimed, self._unclaimed = self._unclaimed, set()
        return unclaimed & self.assigned()

    async def bounds(
        self, places: Iterable[TopicPartition]
    ) -> dict[TopicPartition, tuple[int, int]]:
        """First offset that is there, and the offset that the next record will get.

        One question for many partitions: a broker answers the questions of one connection in
        order, so each may wait for a fetch that waits for records.
        """
        partitions = {place: KafkaPartition(*place) for place in places}
        try:
            begin = await self._consumer.beginning_offsets(list(partitions.values()))
            end = await self._consumer.end_offsets(list(partitions.values()))
        except KafkaError as error:
            raise UnavailableError(f"Kafka does not answer: {error!r}") from error
        return {place: (begin[p], end[p]) for place, p in partitions.items()}

    def seek(self, place: TopicPartition, offset: int) -> None:
        """Go on from an offset, at once."""
        partition = KafkaPartition(*place)
        if partition in self._consumer.assignment():
            self._consumer.seek(partition, offset)
            self._consumer.resume(partition)

    def hold(self, place: TopicPartition, offset: int) -> None:
        """Give nothing of a partition until `seek`; it will go on from `offset`."""
        partition = KafkaPartition(*place)
        if partition in self._consumer.assignment():
            self._consumer.pause(partition)
            self._consumer.seek(partition, offset)

    def oldest_s(self) -> float | None:
        """When the oldest record of the last poll was made, as its producer said."""
        oldest = self._oldest_ms
        return None if oldest is None else oldest / 1000

    async def close(self) -> None:
        """Leave the group; a broker that does not answer is not waited for."""
        with suppress(KafkaError, TimeoutError, asyncio.CancelledError):
            await asyncio.wait_for(self._consumer.stop(), CLOSE_WITHIN_S)


def _records(batches: dict[KafkaPartition, list[object]]) -> list[Record]:
    return [
        Record(place, record.offset, record.key, record.value, record.headers)  # type: ignore[attr-defined]
        for place, records in (
            (TopicPartition(*partition), records) for partition, records in batches.items()
        )
        for record in records
    ]
