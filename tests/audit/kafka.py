"""The topics, read with a consumer of our own: no group, read committed, to the end.

The end offsets are taken once, at the start. Control records use offsets too, so the end of a
partition is reached when the consumer's position is there, not when its last record was seen
(reliability.md, 2d K9).
"""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from .rows import Record
from .shapes import SERVICES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

SLICE_RECORDS: Final = 5_000
POLL_MS: Final = 500
STALL_S: Final = 30.0


class StalledError(RuntimeError):
    """A partition did not reach the end offset it had at the start."""


class KafkaTopics:
    """Every record of the topics, partition by partition in order."""

    def __init__(self, consumer: Any, partitions: list[Any]) -> None:  # noqa: ANN401 - untyped
        """Keep the consumer, which belongs to the caller, and what it is to read."""
        self._consumer = consumer
        self._partitions = partitions
        self._ends: dict[tuple[str, int], int] = {}

    async def records(self) -> AsyncIterator[Sequence[Record]]:
        """Yield all events up to the end offsets of now, a missing topic being empty."""
        async for records in self._read(".events"):
            yield records

    async def commands(self) -> AsyncIterator[Sequence[Record]]:
        """Yield all commands up to the end offsets of now."""
        async for records in self._read(".commands"):
            yield records

    async def ends(self) -> dict[tuple[str, int], int]:
        """Return the end offsets up to which was read."""
        return self._ends

    async def _read(self, kind: str) -> AsyncIterator[Sequence[Record]]:
        partitions = [one for one in self._partitions if one.topic.endswith(kind)]
        if not partitions:
            return
        counts: dict[str, int] = {}
        for partition in partitions:
            counts[partition.topic] = counts.get(partition.topic, 0) + 1
        self._consumer.assign(partitions)
        ends = await self._consumer.end_offsets(partitions)
        self._ends.update({(one.topic, one.partition): end for one, end in ends.items()})
        await self._consumer.seek_to_beginning(*partitions)
        open_ones = set(partitions)
        deadline = time.monotonic() + STALL_S
        while open_ones:
            got = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=SLICE_RECORDS)
            if got:
                deadline = time.monotonic() + STALL_S
                yield [
                    _record(one, counts[one.topic])
                    for partition, some in got.items()
                    for one in some
                    if one.offset < ends[partition]
                ]
            for partition in list(open_ones):
                if await self._consumer.position(partition) >= ends[partition]:
                    open_ones.discard(partition)
                    self._consumer.pause(partition)
            if open_ones and time.monotonic() > deadline:
                stuck = sorted(f"{p.topic}/{p.partition}" for p in open_ones)
                message = f"no record for {STALL_S} s from {', '.join(stuck)}"
                raise StalledError(message)


@asynccontextmanager
async def open_topics(bootstrap: str) -> AsyncIterator[KafkaTopics]:
    """Start a consumer without a group, and stop it again."""
    aiokafka = import_module("aiokafka")
    consumer = aiokafka.AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=None,
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        fetch_max_bytes=16 << 20,
        max_partition_fetch_bytes=4 << 20,
    )
    try:
        await consumer.start()
        yield KafkaTopics(consumer, await _partitions(bootstrap))
    finally:
        await consumer.stop()


async def _partitions(bootstrap: str) -> list[Any]:
    """Return the partitions of the topics that exist.

    A consumer knows only the topics it was assigned, so that another client has to ask.
    """
    aiokafka, admin = import_module("aiokafka"), import_module("aiokafka.admin")
    client = admin.AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await client.start()
        existing = set(await client.list_topics())
        names = [f"danbao.{s}.{kind}" for kind in ("events", "commands") for s in SERVICES]
        topics = [topic for topic in names if topic in existing]
        described = await client.describe_topics(topics) if topics else []
    finally:
        await client.close()
    return [
        aiokafka.TopicPartition(topic["topic"], number)
        for topic in described
        for number in sorted(partition["partition"] for partition in topic["partitions"])
    ]


def _record(one: Any, partition_count: int) -> Record:  # noqa: ANN401 - untyped
    return Record(
        one.topic,
        one.partition,
        one.offset,
        one.key,
        one.value,
        tuple(one.headers),
        partition_count,
    )
