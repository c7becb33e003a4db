"""What aiokafka takes for granted and a cluster does not promise."""

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import NodeNotReadyError

from danbao.kernel.kafka.clients import make_consumer, make_producer

NOWHERE = "127.0.0.1:1"
COORDINATOR = 1


async def assert_asks_again(client: AIOKafkaClient) -> None:
    """The error is one that clients retry; aiokafka's own is an assertion, which ends them."""
    with pytest.raises(NodeNotReadyError) as error:
        await client.coordinator_lookup(COORDINATOR, "test")
    assert error.value.retriable


async def test_a_producer_waits_for_a_cluster_that_names_no_broker() -> None:
    """The relay's start fell over this when a broker had hung for 15 s and was fenced."""
    producer = make_producer(NOWHERE, client_id="test", transactional_id="test")
    try:
        await assert_asks_again(producer.client)
    finally:
        await producer.stop()


async def test_a_consumer_waits_for_a_cluster_that_names_no_broker() -> None:
    """A member of a group would be none any more."""
    consumer = make_consumer(NOWHERE, client_id="test", group_id="test")
    try:
        await assert_asks_again(consumer._client)
    finally:
        await consumer.stop()
