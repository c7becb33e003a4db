"""The last record of each partition: control records and aborted transactions take offsets too.

Never compute with offsets (reliability 2c K9): go back from the end, further each time, until a
committed record is found.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition

from danbao.kernel.errors import TransactionOpenError
from danbao.kernel.kafka.clients import make_consumer
from danbao.kernel.messages import Record, TopicPartition

LOOK_AGAIN_S = 0.1
OPEN_FOR_S = 5.0
"""A transaction that keeps a partition's readers where they are for so long is told of."""


async def last_positions(
    bootstrap: str, places: Iterable[TopicPartition]
) -> dict[TopicPartition, int]:
    """Give the position of the last committed event of each partition, 0 for an empty one."""
    places = list(places)
    records = await _last(bootstrap, places)
    return {
        place: int(dict(records[place].headers)["ce_sequence"]) if place in records else 0
        for place in places
    }


async def last_events(
    bootstrap: str, places: Iterable[TopicPartition]
) -> dict[TopicPartition, Record]:
    """Give the last committed record of each partition that has one."""
    return {
        place: Record(place, found.offset, found.key, found.value, found.headers)
        for place, found in (await _last(bootstrap, list(places))).items()
    }


async def last_records(
    bootstrap: str, places: Iterable[TopicPartition]
) -> dict[TopicPartition, int]:
    """Give the offset of the last committed record of each partition that has one."""
    records = await _last(bootstrap, list(places))
    return {place: record.offset for place, record in records.items()}


async def _last(bootstrap: str, places: list[TopicPartition]) -> dict[TopicPartition, Any]:
    partitions = [KafkaPartition(*place) for place in places]
    consumer = make_consumer(bootstrap, client_id="danbao-tail", fetch_max_wait_ms=100)
    await consumer.start()
    try:
        consumer.assign(partitions)
        consumer.pause(*partitions)
        for partition in partitions:
            consumer.seek(partition, 0)  # at once: a partition without a place is an error
        ends = await settled_ends(bootstrap, consumer, partitions)
        begins = await consumer.beginning_offsets(partitions)
        found = await _search(consumer, begins, ends)
        return {TopicPartition(*partition): record for partition, record in found.items()}
    finally:
        await consumer.stop()


async def check_settled(bootstrap: str, places: Iterable[TopicPartition]) -> None:
    """Return when no transaction is open.

    Raises:
        TransactionOpenError: one stays open; the error names its partitions.
    """
    if not (partitions := [KafkaPartition(*place) for place in places]):
        return
    consumer = make_consumer(bootstrap, client_id="danbao-tail")
    await consumer.start()
    try:
        await settled_ends(bootstrap, consumer, partitions)
    finally:
        await consumer.stop()


async def settled_ends(
    bootstrap: str, committed: AIOKafkaConsumer, partitions: list[KafkaPartition]
) -> dict[KafkaPartition, int]:
    """Wait until no transaction is open: both isolation levels see the same end.

    Raises:
        TransactionOpenError: one stays open; the error names its partitions.
    """
    everything = make_consumer(
        bootstrap, client_id="danbao-tail", isolation_level="read_uncommitted"
    )
    await everything.start()
    hanging = Hanging()
    try:
        while True:
            ends: dict[KafkaPartition, int] = await committed.end_offsets(partitions)
            all_ends: dict[KafkaPartition, int] = await everything.end_offsets(partitions)
            if ends == all_ends:
                return ends
            hanging.check(asyncio.get_running_loop().time(), ends, all_ends)
            await asyncio.sleep(LOOK_AGAIN_S)
    finally:
        await everything.stop()


@dataclass(slots=True)
class Hanging:
    """Partitions whose readers of committed records stand still before an open transaction."""

    _since: dict[KafkaPartition, tuple[int, float]] = field(default_factory=dict)

    def check(
        self, now: float, ends: dict[KafkaPartition, int], all_ends: dict[KafkaPartition, int]
    ) -> None:
        """Compare the ends of committed records with those of all; `now` in seconds.

        Raises:
            TransactionOpenError: a partition has stood still for `OPEN_FOR_S`.
        """
        before, self._since = self._since, {}
        for place in (place for place, end in ends.items() if end < all_ends[place]):
            end, since = before.get(place, (ends[place], now))
            self._since[place] = (ends[place], since if end == ends[place] else now)
        long = [place for place, (_, since) in self._since.items() if now - since >= OPEN_FOR_S]
        if long:
            names = ", ".join(f"{place.topic}/{place.partition}" for place in sorted(long))
            raise TransactionOpenError(
                f"a Kafka transaction has been open for {OPEN_FOR_S:g} s in {names}"
            )


async def _search(
    consumer: AIOKafkaConsumer,
    begins: dict[KafkaPartition, int],
    ends: dict[KafkaPartition, int],
) -> dict[KafkaPartition, Any]:
    found: dict[KafkaPartition, Any] = {}
    searching = {p for p in ends if ends[p] > begins[p]}
    back = 2
    while searching:
        for partition in searching:
            consumer.seek(partition, max(begins[partition], ends[partition] - back))
            consumer.resume(partition)
        reading = set(searching)
        while reading:
            batches = await consumer.getmany(timeout_ms=50)
            for partition, records in batches.items():
                found[partition] = records[-1]
            for partition in list(reading):
                if await consumer.position(partition) >= ends[partition]:
                    consumer.pause(partition)
                    reading.discard(partition)
        searching = {p for p in searching if p not in found and ends[p] - back > begins[p]}
        back *= 8
    return found
