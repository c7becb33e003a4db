"""Reading whole topics: every committed record of each partition, once, to where it ends now."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, suppress

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.errors import KafkaError

from danbao.kernel.errors import UnavailableError
from danbao.kernel.kafka.clients import make_consumer
from danbao.kernel.kafka.tail import settled_ends
from danbao.kernel.messages import Record, TopicPartition

CLOSE_WITHIN_S = 5
RECORDS_MAX = 2_000
QUIET_WITHIN_S = 40
"""A transaction that a dead relay left open ends by itself before."""
STALLED_AFTER_S = 60


@asynccontextmanager
async def reader_of(
    bootstrap: str, places: Collection[TopicPartition]
) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of these partitions, which are all held back until somebody seeks them.

    Raises:
        UnavailableError: Kafka does not answer.
    """
    consumer = make_consumer(
        bootstrap,
        client_id="danbao-recovery",
        fetch_max_wait_ms=100,
        fetch_max_bytes=16 * 1024 * 1024,
    )
    try:
        await consumer.start()
        partitions = [KafkaPartition(*place) for place in places]
        consumer.assign(partitions)
        if partitions:
            consumer.pause(*partitions)
        for partition in partitions:
            consumer.seek(partition, 0)
        yield consumer
    except KafkaError as error:
        raise UnavailableError(f"Kafka does not answer: {error!r}") from error
    finally:
        with suppress(KafkaError, TimeoutError, asyncio.CancelledError):
            await asyncio.wait_for(consumer.stop(), CLOSE_WITHIN_S)


async def bounds_of(
    bootstrap: str, consumer: AIOKafkaConsumer, places: Collection[TopicPartition]
) -> dict[TopicPartition, tuple[int, int]]:
    """First offset and end of each partition, once no transaction is open.

    Raises:
        UnavailableError: a transaction stays open.
    """
    partitions = [KafkaPartition(*place) for place in places]
    if not partitions:
        return {}
    try:
        async with asyncio.timeout(QUIET_WITHIN_S):
            ends = await settled_ends(bootstrap, consumer, partitions)
    except TimeoutError as error:
        raise UnavailableError("somebody holds a Kafka transaction open") from error
    begins = await consumer.beginning_offsets(partitions)
    return {
        place: (begins[partition], ends[partition])
        for place, partition in zip(places, partitions, strict=True)
    }


async def records_from(
    consumer: AIOKafkaConsumer,
    starts: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
) -> AsyncIterator[list[Record]]:
    """All records from these offsets to these ends, partitions mixed, each in order.

    Raises:
        UnavailableError: Kafka gives no more, though there should be.
    """
    reading = {KafkaPartition(*place) for place in starts if starts[place] < ends[place]}
    for partition in reading:
        consumer.seek(partition, starts[TopicPartition(*partition)])
        consumer.resume(partition)
    quiet_since = asyncio.get_running_loop().time()
    while reading:
        batches = await consumer.getmany(timeout_ms=200, max_records=RECORDS_MAX)
        now = asyncio.get_running_loop().time()
        records = [
            Record(TopicPartition(*partition), r.offset, r.key, r.value, r.headers)
            for partition, some in batches.items()
            for r in some
            if r.offset < ends[TopicPartition(*partition)]
        ]
        if batches:
            quiet_since = now
            yield records
        for partition in list(reading):
            if await consumer.position(partition) >= ends[TopicPartition(*partition)]:
                consumer.pause(partition)
                reading.discard(partition)
        if now - quiet_since > STALLED_AFTER_S:
            raise UnavailableError(f"Kafka gives nothing more of {min(reading)}")
