"""Whole batches to Kafka: a fraction of the cost of a future for each record (ADR: publisher).

The producer is idempotent and batches of one partition follow each other, so one key never
reorders within a topic.
"""

import asyncio
from collections.abc import Iterable, Sequence
from time import monotonic
from typing import Any, TypeAlias

from aiokafka.errors import KafkaError

from danbao.kernel.kafka.clients import make_producer

BATCH_BYTES_MAX = 131_072
BROKER_WITHIN_S = 15.0
BROKER_LOOK_EVERY_S = 0.1

Header: TypeAlias = tuple[str, bytes]
OutRecord: TypeAlias = tuple[bytes, bytes, Sequence[Header]]
"""Key, value, headers."""


class PublishError(RuntimeError):
    """Commands could not be handed to Kafka."""


class BatchSender:
    """Sends records to partitions that the caller chose."""

    def __init__(self, bootstrap: str, *, client_id: str) -> None:
        """Connect in `start`."""
        self._producer: Any = make_producer(
            bootstrap, client_id=client_id, max_batch_size=BATCH_BYTES_MAX
        )
        self._unconfirmed: set[asyncio.Future[Any]] = set()
        self._failure: BaseException | None = None

    async def start(self) -> dict[str, int]:
        """Connect; gives all topics with their numbers of partitions.

        Raises:
            PublishError: Kafka names no broker for `BROKER_WITHIN_S`.
        """
        await self._producer.start()
        cluster = await self._cluster()
        return {topic: len(cluster.partitions_for_topic(topic)) for topic in cluster.topics()}

    async def _cluster(self) -> Any:  # noqa: ANN401
        """Look all topics up; a broker that hung is fenced for a moment, and not named then."""
        deadline = monotonic() + BROKER_WITHIN_S
        while True:
            try:
                return await self._producer.client.fetch_all_metadata()
            except KafkaError as error:
                if monotonic() >= deadline:
                    message = f"Kafka named no broker for {BROKER_WITHIN_S:g} s: is it up?"
                    raise PublishError(message) from error
            await asyncio.sleep(BROKER_LOOK_EVERY_S)

    async def stop(self) -> None:
        """Wait for what is on its way and disconnect."""
        await self._producer.stop()

    async def send(
        self, topic: str, partition: int, records: Iterable[OutRecord], timestamp_ms: int
    ) -> None:
        """Fill batches for one partition and submit them.

        Raises:
            PublishError: a record does not fit into a batch.
        """
        batch = self._producer.create_batch()
        for key, value, headers in records:
            if batch.append(timestamp=timestamp_ms, key=key, value=value, headers=headers) is None:
                await self._submit(batch, topic, partition)
                batch = self._producer.create_batch()
                if (
                    batch.append(timestamp=timestamp_ms, key=key, value=value, headers=headers)
                    is None
                ):
                    raise PublishError(f"a record of {len(value)} bytes does not fit into a batch")
        await self._submit(batch, topic, partition)

    async def _submit(self, batch: Any, topic: str, partition: int) -> None:  # noqa: ANN401
        """Queue a full batch; waits while an earlier one of the partition is still queued."""
        confirmed = await self._producer.send_batch(batch, topic, partition=partition)
        self._unconfirmed.add(confirmed)
        confirmed.add_done_callback(self._settle)

    def _settle(self, confirmed: "asyncio.Future[Any]") -> None:
        """Remember a failure; the next `check` raises it."""
        self._unconfirmed.discard(confirmed)
        if not confirmed.cancelled() and confirmed.exception() is not None:
            self._failure = confirmed.exception()

    async def confirmed(self) -> None:
        """Return when Kafka has acknowledged everything.

        Raises:
            PublishError: it refused something.
        """
        if self._unconfirmed:
            await asyncio.wait(tuple(self._unconfirmed))
        self.check()

    def check(self) -> None:
        """Raise PublishError if Kafka refused anything so far."""
        if self._failure is not None:
            message = f"Kafka did not take commands: {self._failure!r}"
            raise PublishError(message) from self._failure
