"""How long the first unread record of each partition has waited: read from Kafka itself."""

import asyncio
import time
from collections.abc import Mapping
from typing import TypeAlias

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.errors import KafkaError

from danbao.kernel.errors import UnavailableError
from danbao.kernel.kafka.clients import make_consumer
from danbao.kernel.messages import TopicPartition

READ_WITHIN_S = 2.0
POLL_MS = 100

MadeAt: TypeAlias = dict[TopicPartition, float]
"""When a record was made, in seconds since 1970."""


async def first_unread(bootstrap: str, offsets: Mapping[TopicPartition, int]) -> MadeAt:
    """Give when the first record from each offset on was made.

    A partition that has none, since only fences are left, is missing.

    Raises:
        UnavailableError: Kafka does not answer.
    """
    return (await _look(bootstrap, offsets))[0]


async def without_records(
    bootstrap: str, offsets: Mapping[TopicPartition, int]
) -> set[TopicPartition]:
    """Give those partitions that have only fences from an offset on, and no record.

    Raises:
        UnavailableError: Kafka does not answer.
    """
    return (await _look(bootstrap, offsets))[1]


async def _look(
    bootstrap: str, offsets: Mapping[TopicPartition, int]
) -> tuple[MadeAt, set[TopicPartition]]:
    """Give when first records were made, and which partitions were read to their end without."""
    if not offsets:
        return {}, set()
    consumer = make_consumer(
        bootstrap, client_id="danbao-lag", fetch_max_wait_ms=POLL_MS, auto_offset_reset="earliest"
    )
    try:
        await consumer.start()
        consumer.assign([KafkaPartition(*place) for place in offsets])
        for place, offset in offsets.items():
            consumer.seek(KafkaPartition(*place), offset)
        return await _read(consumer, set(offsets))
    except (KafkaError, OSError) as error:
        raise UnavailableError(f"Kafka does not answer: {error!r}") from error
    finally:
        await consumer.stop()


async def _read(
    consumer: AIOKafkaConsumer, wanted: set[TopicPartition]
) -> tuple[MadeAt, set[TopicPartition]]:
    made: MadeAt = {}
    empty: set[TopicPartition] = set()
    deadline = time.monotonic() + READ_WITHIN_S
    ends = await consumer.end_offsets([KafkaPartition(*place) for place in wanted])
    while wanted and time.monotonic() < deadline:
        batches = await consumer.getmany(timeout_ms=POLL_MS)
        for partition, records in batches.items():
            place = TopicPartition(*partition)
            if place in wanted:
                made[place] = records[0].timestamp / 1000
                wanted.discard(place)
                consumer.pause(partition)
        for place in list(wanted):
            partition = KafkaPartition(*place)
            if await consumer.position(partition) >= ends[partition]:
                wanted.discard(place)
                empty.add(place)
        await asyncio.sleep(0)
    return made, empty
