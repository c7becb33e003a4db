"""What `danbao doctor` finds at the engine's Kafka; nothing is changed there."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from danbao.kernel.kafka_clients import make_admin
from danbao.kernel.topics import declared_topics
from danbao.servers.doctor import Finding, Status

ANSWER_WITHIN_S = 15
NAMED_MAX = 4


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as Kafka has it."""

    partitions: int
    settings: Mapping[str, str]


async def examine_kafka(bootstrap: str, recorded: Mapping[str, int]) -> list[Finding]:
    """Look whether Kafka answers, and at its topics; `recorded` has those that were made."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            found = await _read(bootstrap)
    except (KafkaError, TimeoutError, OSError) as error:
        todo = "Check that the server runs and the address is right."
        return [Finding("kafka server", Status.MISSING, f"does not answer: {error!r}", todo)]
    return [Finding("kafka server", Status.OK, "answers"), find_topics(found, recorded)]


async def _read(bootstrap: str) -> dict[str, Topic]:
    """Read the declared topics that are there."""
    admin: Any = make_admin(bootstrap, client_id="danbao-doctor")
    try:
        await admin.start()
        names = sorted(set(declared_topics()).intersection(await admin.list_topics()))
        if not names:
            return {}
        described = await admin.describe_topics(names)
        partitions = {topic["topic"]: len(topic["partitions"]) for topic in described}
        wanted = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        answers = await admin.describe_configs(wanted)
        return {
            resource[3]: Topic(
                partitions[resource[3]], {entry[0]: entry[1] for entry in resource[4]}
            )
            for answer in answers
            for resource in answer.resources
        }
    finally:
        await admin.close()


def find_topics(found: Mapping[str, Topic], recorded: Mapping[str, int]) -> Finding:
    """Compare the topics with what is declared and with what was recorded at their making."""
    declared = declared_topics()
    if gone := [name for name in declared if name in recorded and name not in found]:
        todo = "Kafka lost data, or this is another Kafka; do not start before you know."
        return Finding("topics", Status.MISSING, f"gone: {_some(gone)}", todo)
    if missing := [name for name in declared if name not in found]:
        todo = "`danbao up` makes them."
        return Finding("topics", Status.MISSING, f"not made yet: {_some(missing)}", todo)
    counts = {name: recorded.get(name, found[name].partitions) for name in declared}
    wrong = [
        f"{name} has {topic.partitions} partitions, not {counts[name]}"
        for name, topic in found.items()
        if topic.partitions != counts[name]
    ]
    wrong += [
        f"{name}: {key} is {found[name].settings.get(key)}, not {value}"
        for name, settings in declared.items()
        for key, value in settings.items()
        if found[name].settings.get(key) != value
    ]
    if wrong:
        todo = "Partition counts never change; settings are set with kafka-configs.sh."
        return Finding("topics", Status.MISSING, _some(wrong), todo)
    if len(several := sorted(set(counts.values()))) > 1:
        detail = f"partition counts differ: {', '.join(map(str, several))}"
        return Finding("topics", Status.MISSING, detail, "All topics need one partition count.")
    return Finding("topics", Status.OK, f"{len(declared)} as declared, {several[0]} partitions")


def _some(names: list[str]) -> str:
    """Name the first few of many."""
    more = len(names) - NAMED_MAX
    return ", ".join(names[:NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
