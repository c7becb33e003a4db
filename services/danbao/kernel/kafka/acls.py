"""Who may do what in Kafka: a user for each process, with no more rights than it uses.

`infra/kafka/acls.yaml` is made from this list.  Every right is a grant; whatever is not granted is
refused by a broker with an authorizer.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from aiokafka.protocol.admin import CreateAclsRequest

from danbao.contracts.catalogue import SERVICES
from danbao.kernel.errors import SetupError
from danbao.kernel.kafka.clients import make_admin
from danbao.kernel.topics import CHECKPOINTS_TOPIC, commands_topic, events_topic

RESOURCES: Final = {"topic": 2, "group": 3, "cluster": 4, "transactional-id": 5}
PATTERNS: Final = {"literal": 3, "prefixed": 4}
OPERATIONS: Final = {
    "Read": 3,
    "Write": 4,
    "Create": 5,
    "Describe": 8,
    "DescribeConfigs": 10,
}
"""Numbers of the Kafka protocol."""
ALLOW: Final = 3
OURS: Final = "danbao."
COMMANDS: Final = tuple(map(commands_topic, SERVICES))
EVENTS: Final = tuple(map(events_topic, SERVICES))


class Acl(NamedTuple):
    """One grant."""

    user: str
    resource: str
    name: str
    operations: Sequence[str]
    pattern: str = "literal"


def declared_acls() -> list[Acl]:
    """Give every grant."""
    grants: list[Acl] = []
    for service in SERVICES:
        user = f"danbao-{service}"
        # All events topics: a process compares their ends with the log before it works.
        grants += _topics(user, (commands_topic(service), *EVENTS), "Read")
        grants.append(_sees_topics(user))
        grants.append(Acl(user, "group", f"danbao.{service}", ("Read", "Describe")))
    relay, scheduler, checkpointer = "danbao-relay", "danbao-scheduler", "danbao-checkpointer"
    grants += _topics(relay, EVENTS, "Read", "Write")
    grants.append(_sees_topics(relay))
    grants.append(Acl(relay, "transactional-id", "danbao.relay.0", ("Write", "Describe")))
    grants += _topics(scheduler, COMMANDS, "Write", "Describe")
    grants += _topics(scheduler, EVENTS, "Describe")
    grants += _topics(checkpointer, [CHECKPOINTS_TOPIC], "Read", "Write", "Describe")
    ours = ("Create", "Read", "Describe", "DescribeConfigs")
    grants.append(Acl("danbao-setup", "topic", OURS, ours, "prefixed"))
    watches = ("Read", "Describe", "DescribeConfigs")
    grants.append(Acl("danbao-operator", "topic", OURS, watches, "prefixed"))
    grants.append(Acl("danbao-operator", "group", OURS, ("Describe",), "prefixed"))
    grants += _topics("danbao-upstream", COMMANDS, "Write", "Describe")
    grants += _topics("danbao-upstream", EVENTS, "Read", "Describe")
    return grants


def _sees_topics(user: str) -> Acl:
    """A process refuses to work where a topic of ours is gone, so it must see all of them."""
    return Acl(user, "topic", OURS, ("Describe",), "prefixed")


def _topics(user: str, topics: Iterable[str], *operations: str) -> list[Acl]:
    return [Acl(user, "topic", topic, operations) for topic in topics]


def shell_lines(grants: Iterable[Acl], bootstrap: str) -> list[str]:
    """The same as calls of Kafka's own tool."""
    return [
        f"kafka-acls.sh --bootstrap-server {bootstrap} --add --allow-principal User:{each.user}"
        + "".join(f" --operation {operation}" for operation in each.operations)
        + f" --{each.resource} {each.name} --resource-pattern-type {each.pattern}"
        for each in grants
    ]


async def apply_acls(bootstrap: str, grants: Iterable[Acl]) -> int:
    """Make grants, those that are there already too; gives how many there are.

    Raises:
        SetupError: the broker refuses, as it has no authorizer or we may not.
        KafkaError: Kafka does not answer.
    """
    admin = make_admin(bootstrap, client_id="danbao-acls")
    await admin.start()
    count = 0
    try:
        for each in grants:
            for operation in each.operations:
                request = CreateAclsRequest(
                    RESOURCES[each.resource],
                    each.name,
                    PATTERNS[each.pattern],
                    f"User:{each.user}",
                    "*",
                    OPERATIONS[operation],
                    ALLOW,
                )
                response = await admin._send_to_controller(request)  # noqa: SLF001 - it has no public one
                [(code, message)] = response.creation_responses
                if code:
                    raise SetupError(
                        f"Kafka refuses the right of {each.user} on {each.name}: {message}",
                        todo="Give the broker an authorizer, and come as one of its super users.",
                    )
                count += 1
    finally:
        await admin.close()
    return count
