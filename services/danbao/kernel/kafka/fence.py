"""Becoming the one publisher of some partitions: Kafka refuses whoever was it before.

A transactional id belongs to one producer at a time: each that asks for it gets a higher epoch.  A
partition hears of that epoch from the record that ends a transaction, and then refuses all that
comes with a lower one, even what has been on its way for an hour.  So an empty transaction over all
partitions is a fence, and what is published behind it needs no transaction any more (ADR 18).
"""

from collections.abc import Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka import TopicPartition as KafkaPartition

from danbao.kernel.kafka.clients import make_producer
from danbao.kernel.kafka.stopping import stop


class Identity(NamedTuple):
    """By which a broker knows a producer; of two with one id, the higher epoch is the later one."""

    producer_id: int
    epoch: int


async def fence(
    bootstrap: str, transactional_id: str, partitions: Sequence[KafkaPartition], *, client_id: str
) -> Identity:
    """Shut out all earlier publishers that had this id; gives the identity to publish with.

    Returns when every partition has heard of it.

    Raises:
        KafkaError: Kafka does not answer, or somebody has taken the id meanwhile.
    """
    producer = make_producer(bootstrap, client_id=client_id, transactional_id=transactional_id)
    try:
        await producer.start()
        await _end_empty(producer, partitions)
        # The next one begins only when this one has ended everywhere.
        await _end_empty(producer, partitions[:1])
        manager = producer._txn_manager  # noqa: SLF001  it has no other name for it
    except BaseException:
        await stop(producer, is_dead=True)
        raise
    await stop(producer)
    return Identity(manager.producer_id, manager.producer_epoch)


async def _end_empty(producer: AIOKafkaProducer, partitions: Sequence[KafkaPartition]) -> None:
    """Begin a transaction over these partitions and take it back: each gets its end, no more."""
    await producer.begin_transaction()
    for partition in partitions:
        producer._txn_manager.maybe_add_partition_to_txn(partition)  # noqa: SLF001  the same
    await producer.abort_transaction()


def take_on(producer: AIOKafkaProducer, identity: Identity) -> None:
    """Let an idempotent producer that was not started yet publish with an identity."""
    producer._txn_manager.set_pid_and_epoch(*identity)  # noqa: SLF001  the same
