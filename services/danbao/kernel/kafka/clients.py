"""The one place where Kafka clients are built: aiokafka's defaults lose or hide records for us.

`auto_offset_reset="none"` (a jump is an error), `enable_auto_commit=False` (offsets live in
Postgres), `isolation_level="read_committed"`, `enable_idempotence=True`: see reliability 2a.
"""

from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

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
    return AIOKafkaConsumer(*topics, **(settings | client_options() | options))


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
    return AIOKafkaProducer(**(settings | client_options() | options))


def make_admin(bootstrap: str, *, client_id: str) -> AIOKafkaAdminClient:
    """Build an admin client, used for topics only."""
    return AIOKafkaAdminClient(
        bootstrap_servers=bootstrap,
        client_id=client_id,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        **client_options(),
    )
