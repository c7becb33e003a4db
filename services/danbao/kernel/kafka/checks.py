"""Whether a Kafka is fit for the engine: asked at every start, and by `danbao doctor`."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from danbao.kernel.errors import PartitionsChangedError, TopicsGoneError, TransactionOpenError
from danbao.kernel.findings import Finding, Status
from danbao.kernel.kafka.clients import make_admin
from danbao.kernel.kafka.tail import check_settled
from danbao.kernel.messages import TopicPartition, is_events_topic
from danbao.kernel.topics import declared_topics, described

ANSWER_WITHIN_S = 15
NAMED_MAX = 4
REPLICAS_MIN = 3
AT_LEAST = ("retention.ms", "max.message.bytes")
"""More of these does no harm; -1 stands for: no limit."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as Kafka has it."""

    partitions: int
    settings: Mapping[str, str]
    replicas: int = 1


@dataclass(frozen=True, slots=True)
class Cluster:
    """What a Kafka is."""

    brokers: int
    topics: Mapping[str, Topic]
    makes_topics: bool
    """Whether a topic that somebody only asks for comes to be."""


async def examine_kafka(bootstrap: str, recorded: Mapping[str, int]) -> list[Finding]:
    """Look whether Kafka answers, and at its topics; `recorded` has those that were made."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            found = await _read(bootstrap)
            transactions = await _find_transactions(bootstrap, found.topics)
    except (KafkaError, TimeoutError, OSError) as error:
        todo = "Check that the server runs and the address is right."
        detail = f"does not answer: {error!r}"
        return [Finding("kafka server", Status.MISSING, detail, todo, "unavailable")]
    return [
        Finding("kafka server", Status.OK, f"answers, {found.brokers} brokers"),
        find_topics(found.topics, recorded),
        find_replicas(found),
        find_making(makes_topics=found.makes_topics),
        transactions,
    ]


async def _find_transactions(bootstrap: str, topics: Mapping[str, Topic]) -> Finding:
    """Look whether readers of events stand before a transaction that nobody ends."""
    places = [
        TopicPartition(name, partition)
        for name, topic in topics.items()
        for partition in range(topic.partitions)
    ]
    try:
        await check_settled(bootstrap, [place for place in places if is_events_topic(place)])
    except TransactionOpenError as error:
        return Finding("transactions", Status.WARN, str(error), error.todo, error.code)
    return Finding("transactions", Status.OK, "none hangs")


async def _read(bootstrap: str) -> Cluster:
    """Read the declared topics that are there, and what the brokers would do."""
    admin: Any = make_admin(bootstrap, client_id="danbao-checks")
    try:
        await admin.start()
        brokers = (await admin.describe_cluster())["brokers"]
        broker = ConfigResource(ConfigResourceType.BROKER, str(brokers[0]["node_id"]))
        names = sorted(set(declared_topics()).intersection(await admin.list_topics()))
        topics = await described(admin, names) if names else []
        wanted = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        settings = {
            resource[3]: {entry[0]: entry[1] for entry in resource[4]}
            for answer in await admin.describe_configs([*wanted, broker])
            for resource in answer.resources
        }
        return Cluster(
            brokers=len(brokers),
            topics={topic["topic"]: _topic(topic, settings[topic["topic"]]) for topic in topics},
            makes_topics=settings[broker.name].get("auto.create.topics.enable") == "true",
        )
    finally:
        await admin.close()


def _topic(described_: Mapping[str, Any], settings: Mapping[str, str]) -> Topic:
    partitions = described_["partitions"]
    replicas = min((len(each["replicas"]) for each in partitions), default=0)
    return Topic(len(partitions), settings, replicas)


def find_topics(found: Mapping[str, Topic], recorded: Mapping[str, int]) -> Finding:
    """Compare the topics with what is declared and with what was recorded at their making."""
    declared = declared_topics()
    if gone := [name for name in declared if name in recorded and name not in found]:
        todo = TopicsGoneError.todo
        return Finding("topics", Status.MISSING, f"gone: {_some(gone)}", todo, "topics_gone")
    if missing := [name for name in declared if name not in found]:
        todo = "`danbao up` makes them."
        detail = f"not made yet: {_some(missing)}"
        return Finding("topics", Status.MISSING, detail, todo, "topics_missing")
    counts = {name: recorded.get(name, found[name].partitions) for name in declared}
    wrong = [
        f"{name} has {topic.partitions} partitions, not {counts[name]}"
        for name, topic in found.items()
        if topic.partitions != counts[name]
    ]
    if wrong:
        todo = PartitionsChangedError.todo
        return Finding("topics", Status.MISSING, _some(wrong), todo, "topic_partitions_changed")
    wrong = [
        f"{name}: {key} is {found[name].settings.get(key)}, not {value}"
        for name, settings in declared.items()
        for key, value in settings.items()
        if not _fits(key, found[name].settings.get(key), value)
    ]
    if wrong:
        todo = "Set it with kafka-configs.sh."
        return Finding("topics", Status.MISSING, _some(wrong), todo, "topic_settings_changed")
    if len(several := sorted(set(counts.values()))) > 1:
        detail = f"partition counts differ: {', '.join(map(str, several))}"
        todo = "All topics need one partition count."
        return Finding("topics", Status.MISSING, detail, todo, "partitions_differ")
    return Finding("topics", Status.OK, f"{len(declared)} as declared, {several[0]} partitions")


def _fits(key: str, value: str | None, declared: str) -> bool:
    """Tell whether a setting is as declared, or safer."""
    if value is None or key not in AT_LEAST or declared == "-1":
        return value == declared
    return value == "-1" or int(value) >= int(declared)


def find_replicas(cluster: Cluster) -> Finding:
    """On several brokers, what was acknowledged should survive the loss of one."""
    if cluster.brokers < REPLICAS_MIN:
        return Finding("kafka replicas", Status.OK, f"{cluster.brokers} brokers: one copy each")
    few = [
        name
        for name, topic in cluster.topics.items()
        if topic.replicas < REPLICAS_MIN or topic.settings.get("min.insync.replicas") in {"0", "1"}
    ]
    if not few:
        return Finding("kafka replicas", Status.OK, "three, of which two must acknowledge")
    todo = "Give them three replicas, and min.insync.replicas=2."
    detail = f"the loss of one broker may lose commands: {_some(few)}"
    return Finding("kafka replicas", Status.WARN, detail, todo, "topic_replicas_few")


def find_making(*, makes_topics: bool) -> Finding:
    """A topic that comes to be by being asked for has the wrong partitions."""
    if not makes_topics:
        return Finding("kafka auto-creation", Status.OK, "off")
    todo = "Set auto.create.topics.enable=false: a mistyped name should fail."
    return Finding("kafka auto-creation", Status.WARN, "on", todo, "topics_made_by_asking")


def _some(names: list[str]) -> str:
    """Name the first few of many."""
    more = len(names) - NAMED_MAX
    return ", ".join(names[:NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
