"""The one place where Kafka clients are built: aiokafka's defaults lose or hide records for us.

`auto_offset_reset="none"` (a jump is an error), `enable_auto_commit=False` (offsets live in
Postgres), `isolation_level="read_committed"`, `enable_idempotence=True`: see reliability 2a.
"""

from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import NodeNotReadyError

from danbao.kernel.kafka.security import client_options

REQUEST_TIMEOUT_MS = 10_000
"""A connection that died without a word is found by a request that gets no answer."""
PRODUCE_TIMEOUT_MS = 15_000
"""Records that no broker has taken for so long are given up by their producer."""
TRANSACTION_TIMEOUT_MS = 10_000


def make_consumer(
    bootstrap: str, *topics: str, client_id: str, group_id: str | None = None, **options: object
) -> AIOKafkaConsumer:
    """Build a consumer that never jumps, never commits to Kafka and sees committed records only."""
    settings: dict[str, Any] = {
        "bootstrap_servers": bootstrap,
        "client_id": client_id,
        "group_id": group_id,
        "auto_offset_reset": "none",
        "enable_auto_commit": False,
        "isolation_level": "read_committed",
        "partition_assignment_strategy": (RangePartitionAssignor,),
        "request_timeout_ms": REQUEST_TIMEOUT_MS,
        "fetch_max_wait_ms": 5_000,
        "max_partition_fetch_bytes": 1_048_576,
    }
    consumer = AIOKafkaConsumer(*topics, **(settings | client_options() | options))
    _wait_for_a_broker(consumer._client)  # noqa: SLF001  it has no other name for it
    return consumer


def make_producer(
    bootstrap: str, *, client_id: str, transactional_id: str | None = None, **options: object
) -> AIOKafkaProducer:
    """Build an idempotent producer: one key never reorders, a retry never doubles."""
    settings: dict[str, Any] = {
        "bootstrap_servers": bootstrap,
        "client_id": client_id,
        "transactional_id": transactional_id,
        "enable_idempotence": True,
        "acks": "all",
        "request_timeout_ms": PRODUCE_TIMEOUT_MS,
        "transaction_timeout_ms": TRANSACTION_TIMEOUT_MS,
    }
    producer = AIOKafkaProducer(**(settings | client_options() | options))
    _wait_for_a_broker(producer.client)
    return producer


def make_admin(bootstrap: str, *, client_id: str) -> AIOKafkaAdminClient:
    """Build an admin client, used for topics only."""
    return AIOKafkaAdminClient(
        bootstrap_servers=bootstrap,
        client_id=client_id,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        **client_options(),
    )


def _wait_for_a_broker(client: AIOKafkaClient) -> None:
    """Let a client look for its coordinator again while the cluster names no broker.

    Brokers that hung are fenced for a moment, and not named.  aiokafka asserts that it knows one,
    which would end a producer's start, and a consumer's membership for good.
    """
    look_up = client.coordinator_lookup

    async def coordinator_lookup(kind: int, key: str) -> int:
        if client.get_random_node() is None:
            raise NodeNotReadyError("the cluster names no broker")
        node: int = await look_up(kind, key)
        return node

    client.coordinator_lookup = coordinator_lookup
