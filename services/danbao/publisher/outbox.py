"""Sends commands as CloudEvents in binary mode, in whole batches, to `danbao.<service>.commands`.

A batch per partition costs a fraction of a future per record (ADR: publisher), and the partition
is computed once a flow: the client's murmur2 is written in Python.  The producer is idempotent and
batches of one partition follow each other, so one key never reorders within a topic.
"""

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from aiokafka.partitioner import murmur2

from danbao.kernel.kafka_clients import make_producer
from danbao.publisher.commandfile import CommandFileError, Line
from danbao.publisher.flows import Flow

BATCH_BYTES_MAX = 131_072
COMMANDS_TOPIC = re.compile(r"danbao\.[a-z]+\.commands")

Header = tuple[str, bytes]
_FIXED: tuple[Header, ...] = (
    ("ce_specversion", b"1.0"),
    ("content-type", b"application/json"),
)


class PublishError(RuntimeError):
    """Commands could not be handed to Kafka."""


class Outbox:
    """The way out: hand it the lines that are ready."""

    def __init__(self, bootstrap: str, *, client_id: str) -> None:
        """Connect in `start`."""
        self._producer: Any = make_producer(
            bootstrap, client_id=client_id, max_batch_size=BATCH_BYTES_MAX
        )
        self._partitions = 0
        self._topics: dict[str, str] = {}
        self._unconfirmed: set[asyncio.Future[Any]] = set()
        self._failure: BaseException | None = None

    async def start(self, services: Mapping[str, Line]) -> dict[str, int]:
        """Connect and look the topics up; returns all topics with their numbers of partitions.

        Raises:
            CommandFileError: a command is for a service that does not exist.
            PublishError: Kafka has no topics of danbao at all.
        """
        await self._producer.start()
        cluster = await self._producer.client.fetch_all_metadata()
        topics = {topic: len(cluster.partitions_for_topic(topic)) for topic in cluster.topics()}
        known = sorted(name.split(".")[1] for name in topics if COMMANDS_TOPIC.fullmatch(name))
        if not known:
            message = "Kafka has no topics of danbao: was the engine ever started there?"
            raise PublishError(message)
        for service, line in services.items():
            topic = f"danbao.{service}.commands"
            if topic not in topics:
                why = f"`type` {line.type!r}: no service {service!r}; there are {', '.join(known)}"
                raise CommandFileError(line.file, line.number, why)
            self._partitions = topics[topic]
        return topics

    async def stop(self) -> None:
        """Wait for what is on its way and disconnect."""
        await self._producer.stop()

    async def send(self, ready: list[tuple[Flow, Line]]) -> None:
        """Send lines in the order given; returns when Kafka's client has taken them.

        Raises:
            PublishError: Kafka refused a batch, of this call or of an earlier one.
        """
        now = datetime.now(UTC)  # noqa: TID251  the sender's own time: nothing is decided by it
        stamp = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        batches: dict[tuple[str, int], list[tuple[Flow, Line]]] = {}
        for item in ready:
            flow, line = item
            if flow.partition is None:
                flow.partition = self.partition_of(flow.key)
            batches.setdefault((self._topic_of(line.type), flow.partition), []).append(item)
        headers = (*_FIXED, ("ce_time", stamp.encode()))
        for (topic, partition), items in batches.items():
            await self._send_to(topic, partition, items, headers, int(now.timestamp() * 1000))
        self.check()

    async def _send_to(
        self,
        topic: str,
        partition: int,
        items: list[tuple[Flow, Line]],
        headers: tuple[Header, ...],
        now_ms: int,
    ) -> None:
        """Fill batches for one partition and submit them."""
        batch = self._producer.create_batch()
        for flow, line in items:
            record = {
                "timestamp": now_ms,
                "key": line.partitionkey.encode(),
                "value": line.data,
                "headers": [*headers, *_headers(line)],
            }
            if batch.append(**record) is None:
                await self._submit(batch, topic, partition)
                batch = self._producer.create_batch()
                if batch.append(**record) is None:
                    message = f"line {line.number} does not fit into a batch"
                    raise PublishError(message)
            answers = flow.answers[line.id]
            if not answers.sent_at:
                answers.sent_at = perf_counter()
        await self._submit(batch, topic, partition)

    async def _submit(self, batch: Any, topic: str, partition: int) -> None:  # noqa: ANN401
        """Queue a full batch; waits while an earlier one of the partition is still queued."""
        confirmed = await self._producer.send_batch(batch, topic, partition=partition)
        self._unconfirmed.add(confirmed)
        confirmed.add_done_callback(self._settle)

    def _settle(self, confirmed: "asyncio.Future[Any]") -> None:
        """Remember a failure; the next `send` or `check` raises it."""
        self._unconfirmed.discard(confirmed)
        if not confirmed.cancelled() and confirmed.exception() is not None:
            self._failure = confirmed.exception()

    def check(self) -> None:
        """Raise PublishError if Kafka refused anything so far."""
        if self._failure is not None:
            message = f"Kafka did not take commands: {self._failure!r}"
            raise PublishError(message) from self._failure

    def _topic_of(self, command_type: str) -> str:
        """The topic of a type, looked up instead of put together for every command."""
        topic = self._topics.get(command_type)
        if topic is None:
            topic = f"danbao.{command_type.split('.', 1)[0]}.commands"
            self._topics[command_type] = topic
        return topic

    def partition_of(self, key: str) -> int:
        """The partition of a key: Kafka's default, as every other producer has it."""
        return int((murmur2(key.encode()) & 0x7FFFFFFF) % self._partitions)


def _headers(line: Line) -> list[Header]:
    """The headers that differ from line to line."""
    headers = [
        ("ce_id", line.id.encode()),
        ("ce_type", line.type.encode()),
        ("ce_source", line.source.encode()),
        ("ce_partitionkey", line.partitionkey.encode()),
    ]
    if line.actor is not None:
        headers.append(("ce_actor", line.actor.encode()))
    return headers
