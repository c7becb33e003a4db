"""Topics: declared here, made once, and compared with what is there at every start."""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from danbao.contracts.catalogue import SERVICES
from danbao.kernel.errors import PartitionsChangedError, TopicsGoneError
from danbao.kernel.kafka.clients import make_admin

WEEK_MS = 7 * 24 * 3600 * 1000
PATIENCE = 20
LOOK_AGAIN_S = 0.25
"""A broker that has just started may not know all its topics yet."""
MESSAGE_BYTES_MAX = 1_200_000
"""What the broker takes; larger than any command we accept, so that we can set it aside."""


def commands_topic(service: str) -> str:
    """Where a service's commands arrive."""
    return f"danbao.{service}.commands"


def events_topic(service: str) -> str:
    """Where a service's events are published."""
    return f"danbao.{service}.events"


CHECKPOINTS_TOPIC = "danbao.checkpoints"


def declared_topics() -> dict[str, dict[str, str]]:
    """Every topic with its settings."""
    common = {"cleanup.policy": "delete", "max.message.bytes": str(MESSAGE_BYTES_MAX)}
    topics = {CHECKPOINTS_TOPIC: common | {"retention.ms": "-1"}}
    for service in SERVICES:
        topics[commands_topic(service)] = common | {"retention.ms": str(WEEK_MS)}
        topics[events_topic(service)] = common | {"retention.ms": "-1"}
    return topics


async def ensure_topics(bootstrap: str, partitions: int, recorded: dict[str, int]) -> list[str]:
    """Make the topics that were never made; gives their names.

    `recorded` has the topics made before, with their partition counts.

    Raises:
        SetupError: a recorded topic is gone.
    """
    admin = make_admin(bootstrap, client_id="danbao-setup")
    await admin.start()
    try:
        declared = declared_topics()
        existing = await _existing(admin, set(recorded) & set(declared))
        missing = [name for name in declared if name not in existing]
        made = [NewTopic(name, partitions, 1, topic_configs=declared[name]) for name in missing]
        if made:
            await admin.create_topics(made)
            await described(admin, missing)
        return missing
    finally:
        await admin.close()


async def ensure_topic(bootstrap: str, name: str, partitions: int) -> int:
    """Make a topic that is none of ours, if it is not there; gives its partition count."""
    admin = make_admin(bootstrap, client_id="danbao-replay")
    await admin.start()
    try:
        if name not in await admin.list_topics():
            made = NewTopic(
                name, partitions, 1, topic_configs={"max.message.bytes": str(MESSAGE_BYTES_MAX)}
            )
            await admin.create_topics([made])
        [topic] = await described(admin, [name])
        return len(topic["partitions"])
    finally:
        await admin.close()


async def check_topics(bootstrap: str, recorded: Mapping[str, int]) -> None:
    """Check that the topics that were made are there, with the partitions they were made with.

    Raises:
        TopicsGoneError: a topic is not there.
        PartitionsChangedError: a topic has another number of partitions.
    """
    if not recorded:
        return
    admin = make_admin(bootstrap, client_id="danbao-setup")
    await admin.start()
    try:
        await _existing(admin, set(recorded))
        for topic in await described(admin, list(recorded)):
            _check_count(topic, recorded[topic["topic"]])
    finally:
        await admin.close()


def _check_count(topic: dict[str, Any], expected: int) -> None:
    if (count := len(topic["partitions"])) != expected:
        raise PartitionsChangedError(
            f"topic {topic['topic']} has {count} partitions, not {expected}"
        )


async def _existing(admin: AIOKafkaAdminClient, expected: set[str]) -> set[str]:
    """Give the topics that are there, once those that were made before are among them."""
    for _ in range(PATIENCE):
        existing = set(await admin.list_topics())
        if expected <= existing:
            return existing
        await asyncio.sleep(LOOK_AGAIN_S)
    gone = sorted(expected - set(await admin.list_topics()))
    raise TopicsGoneError(f"topics are gone: {', '.join(gone)}")


async def described(admin: AIOKafkaAdminClient, names: list[str]) -> list[dict[str, Any]]:
    """Describe topics, once their partitions can be read: a broker that just made them says 0."""
    topics: list[dict[str, Any]] = []
    for _ in range(PATIENCE):
        topics = await admin.describe_topics(names)
        if all(topic["partitions"] and not _problems(topic) for topic in topics):
            return topics
        await asyncio.sleep(LOOK_AGAIN_S)
    return topics


def _problems(topic: dict[str, Any]) -> list[int]:
    """Give the error codes of a topic and its partitions, such as that one has no leader yet."""
    codes = [topic["error_code"], *(each["error_code"] for each in topic["partitions"])]
    return [code for code in codes if code]
