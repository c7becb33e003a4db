"""`danbao recover kafka-lost`: Kafka's data is gone, all of it or some; the log has every event.

Events topics that are not what the log says are made anew and published from the first position.
Command topics are only ever made when they are missing, or have partitions that nobody asked for:
what they still hold is read. Services go on by what they have handled: events by position,
commands by their ids.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import asyncpg
from aiokafka.errors import KafkaError

from danbao.contracts.catalogue import SERVICES
from danbao.kernel.clock import SystemClock
from danbao.kernel.errors import LogOlderError, RetryableError, UnavailableError
from danbao.kernel.kafka.sink import KafkaEventSink
from danbao.kernel.messages import TopicPartition
from danbao.kernel.postgres.store import PostgresStore
from danbao.kernel.relay import Relay
from danbao.kernel.settings import Settings
from danbao.kernel.topics import declared_topics, ensure_topics, events_topic
from danbao.recovery import topics
from danbao.recovery.compare import Comparison, compare_topics
from danbao.recovery.offsets import (
    Misfit,
    Move,
    Standing,
    apply_moves,
    by_topic,
    find_misfits,
    find_moves,
    read_standings,
)
from danbao.recovery.quiet import Q
from danbao.recovery.unread import FILE, save_unread, send_unread

PATIENCE = 60
RETRY_S = 0.5

Tell = Callable[[str, int, int], None]
"""What is being done, how much of it is done, how much there is (0: nobody knows)."""


@dataclass(slots=True)
class Damage:
    """What was found."""

    partitions: int
    head: int
    missing: list[str] = field(default_factory=list)
    resized: dict[str, int] = field(default_factory=dict)
    """Topics with another number of partitions than they were made with."""
    events: dict[str, str] = field(default_factory=dict)
    """Events topics that are not what the log says, with what is wrong first."""
    misfits: list[Misfit] = field(default_factory=list)
    comparison: Comparison | None = None
    has_saved: bool = False

    @property
    def to_publish(self) -> list[str]:
        """Events topics that are made anew."""
        names = {*self.events, *self.missing, *self.resized}
        return sorted(name for name in names if name.endswith(".events"))

    @property
    def lost_commands(self) -> Mapping[str, list[Misfit]]:
        """Command topics in which services begin anew."""
        return by_topic([m for m in self.misfits if m.standing.place.topic.endswith(".commands")])

    def throw_away(self) -> None:
        """Make every events topic anew: those that only Kafka has are given up."""
        for service in SERVICES:
            self.events.setdefault(events_topic(service), "is thrown away: the log wins")

    @property
    def disagrees(self) -> bool:
        """The events topics hold what the log has not."""
        found = self.comparison
        return found is not None and bool(found.difference or found.beyond)

    @property
    def is_any(self) -> bool:
        """Something is to be done."""
        return bool(self.missing or self.resized or self.events or self.misfits or self.has_saved)


async def find_damage(connection: asyncpg.Connection, settings: Settings, tell: Tell) -> Damage:
    """Compare the topics with what was recorded, with the log, and with what was read of them.

    Raises:
        LogOlderError: the events topics hold what the log has not.
        UnavailableError: a server does not answer.
    """
    recorded = {row["topic"]: row["partitions"] for row in await connection.fetch(Q["topics"])}
    partitions = next(iter(recorded.values()), settings.partitions)
    head = await connection.fetchrow(Q["head"])
    assert head is not None
    damage = Damage(partitions, head["position"])
    damage.has_saved = (settings.home / FILE).exists()
    found = await topics.count_partitions(settings.kafka_bootstrap)
    damage.missing = sorted(name for name in declared_topics() if name not in found)
    damage.resized = {
        name: found[name]
        for name in sorted(declared_topics())
        if name in found and found[name] != partitions
    }
    whole = [
        events_topic(service)
        for service in SERVICES
        if events_topic(service) not in (*damage.missing, *damage.resized)
    ]
    places = [TopicPartition(name, number) for name in whole for number in range(partitions)]
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        tell("comparing the events topics with the log", done, head["position"])

    compared = await compare_topics(connection, settings.kafka_bootstrap, places, partitions, count)
    damage.comparison = compared
    for place, problem in sorted(compared.problems.items()):
        damage.events.setdefault(place.topic, f"partition {place.partition}: {problem}")
    await _find_misfits(connection, settings.kafka_bootstrap, damage)
    return damage


def refuse_what_the_log_lacks(damage: Damage) -> None:
    """Go on only when making topics anew loses nothing.

    Raises:
        LogOlderError: the events topics hold what the log has not.
    """
    compared = damage.comparison
    if compared is None:
        return
    if different := compared.difference:
        raise LogOlderError(
            f"position {different.position} is another event in {different.place.topic}/"
            f"{different.place.partition}@{different.offset} than in the log: {different.what}"
        )
    if compared.beyond:
        raise LogOlderError(
            f"the events topics hold positions {min(compared.beyond)} to {max(compared.beyond)}, "
            f"but the log ends at {compared.head}"
        )


async def _find_misfits(connection: asyncpg.Connection, bootstrap: str, damage: Damage) -> None:
    """Find services whose standing does not fit, in topics that stay and in those that go."""
    stays: list[Standing] = []
    goes: list[Standing] = []
    for standing in await read_standings(connection):
        name = standing.place.topic
        is_there = name not in (*damage.missing, *damage.resized)
        (stays if is_there else goes).append(standing)
    damage.misfits = await find_misfits(bootstrap, stays)
    for topic in by_topic(damage.misfits):
        if topic.endswith(".events"):
            damage.events.setdefault(topic, "services stand where it has other records")
    for standing in goes:
        if standing.place.topic in damage.missing and standing.offset.next_offset > 0:
            damage.misfits.append(Misfit(standing, "the topic is gone", 0))


async def repair(
    connection: asyncpg.Connection, settings: Settings, damage: Damage, tell: Tell
) -> None:
    """Make topics anew, publish the log into them, and let services go on where they were.

    It may be killed anywhere: until the last step, no service starts on what it left, and it can
    be run again.

    Raises:
        UnavailableError: a server does not answer.
    """
    bootstrap, partitions = settings.kafka_bootstrap, damage.partitions
    standings = [s for s in await read_standings(connection) if s.place.partition < partitions]
    try:
        await _make_topics(settings, damage, standings)
        await connection.execute(Q["publish_from_the_start"])
        await _publish(settings, damage, tell)
        await send_unread(settings.home, bootstrap, partitions)
    except KafkaError as error:
        raise UnavailableError(f"Kafka does not answer: {error!r}") from error
    anew = damage.to_publish
    places = [TopicPartition(name, number) for name in anew for number in range(partitions)]
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        tell("finding where services go on", done, damage.head)

    moved = [standing for standing in standings if standing.place.topic in anew]
    moves = await find_moves(bootstrap, moved, places, count)
    async with connection.transaction():
        await apply_moves(connection, [*moves, *_command_moves(damage, standings)])
        gone = [*anew, *damage.missing, *damage.resized, *damage.lost_commands]
        await connection.execute(Q["letters_outlive_topics"], sorted(set(gone)))
        await connection.execute(Q["drop_offsets"], sorted(declared_topics()), partitions)
        await connection.execute(Q["free_lease"])


async def _make_topics(settings: Settings, damage: Damage, standings: list[Standing]) -> None:
    """Remove what is made anew, and make what is missing then."""
    bootstrap = settings.kafka_bootstrap
    resized = {name: n for name, n in damage.resized.items() if name.endswith(".commands")}
    if resized:
        read_to = {s.place: s.offset.next_offset for s in standings}
        places = [TopicPartition(name, n) for name, count in resized.items() for n in range(count)]
        await save_unread(settings.home, bootstrap, places, read_to)
    removed = [name for name in {*damage.to_publish, *damage.resized} if name not in damage.missing]
    await topics.remove(bootstrap, removed)
    await ensure_topics(bootstrap, damage.partitions, {})


async def _publish(settings: Settings, damage: Damage, tell: Tell) -> None:
    """Be the relay until everything is published; it leaves out what the topics hold."""
    store = PostgresStore(settings.postgres_dsn, purpose="recovery", may_hold_head=False)
    sink = KafkaEventSink(settings.kafka_bootstrap, damage.partitions)
    relay = Relay(store, sink, SystemClock(), settings, owner="recovery")
    try:
        failures = 0
        while relay.position < damage.head:
            try:
                await relay.step()
                failures = 0
            except RetryableError:  # a broker that just made its topics is not at once ready
                failures += 1
                if failures > PATIENCE:
                    raise
                await asyncio.sleep(RETRY_S)
            tell("publishing the log", relay.position, damage.head)
        with suppress(RetryableError):  # all is published: the rest only saves the next one time
            await relay.leave()
    finally:
        await sink.close()
        await store.close()


def _command_moves(damage: Damage, standings: list[Standing]) -> list[Move]:
    """Services begin anew in command topics that are not the ones they read."""
    moves = {}
    for misfit in damage.misfits:
        standing = misfit.standing
        if standing.place.topic.endswith(".commands"):
            moves[standing.service, standing.place] = misfit.begin
    for standing in standings:
        if standing.place.topic in damage.resized and standing.place.topic.endswith(".commands"):
            moves[standing.service, standing.place] = 0
    return [Move(service, place, begin) for (service, place), begin in moves.items()]
