"""A consumer group as its coordinator sees it, asked from outside over a connection of our own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import KafkaError

from danbao.kernel.errors import UnavailableError
from danbao.kernel.kafka.clients import make_admin
from danbao.kernel.messages import TopicPartition

STABLE = "Stable"
WITHOUT_MEMBERS = ("Empty", "Dead")


@dataclass(frozen=True, slots=True)
class Member:
    """What a group says of one of its members."""

    is_settled: bool
    """False while the group hands out partitions anew."""
    is_known: bool
    places: frozenset[TopicPartition]


async def find_member(bootstrap: str, group: str, client_id: str) -> Member:
    """Ask a group about one member.

    Raises:
        UnavailableError: no coordinator answers.
    """
    async with _admin(bootstrap) as admin:
        [response] = await admin.describe_consumer_groups([group])
    code, _, state, _, _, members = response.groups[0][:6]
    if code:
        raise UnavailableError(f"group {group}: error {code}")
    if state in WITHOUT_MEMBERS:
        return Member(True, False, frozenset())  # noqa: FBT003
    mine = [member for member in members if member[1] == client_id]
    places = {
        TopicPartition(*place)
        for member in mine
        if member[4]
        for place in ConsumerProtocolMemberAssignment.decode(member[4]).partitions()
    }
    return Member(state == STABLE, bool(mine), frozenset(places))


async def answers(bootstrap: str) -> None:
    """Return when Kafka answers.

    Raises:
        UnavailableError: it does not.
    """
    async with _admin(bootstrap):
        pass


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = make_admin(bootstrap, client_id="danbao-watch")
    try:
        await admin.start()
        yield admin
    except KafkaError as error:
        raise UnavailableError(f"Kafka does not answer: {error!r}") from error
    finally:
        await admin.close()
