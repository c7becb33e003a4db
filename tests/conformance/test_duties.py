"""What every store promises beside the log: offsets with epochs, dead letters, lease, news."""

import asyncio
from datetime import timedelta
from hashlib import sha256

import pytest
from msgspec.structs import replace
from tests.conformance.databases import Database
from tests.conformance.writing import COMMANDS, EVENTS, NOON, SERVICE, Writer, letter

from danbao.kernel.errors import ConflictError, FencedError
from danbao.kernel.messages import Offset, TopicPartition

LEASE_S = 6
PROGRESS = Offset(1, 8, 41, 7, sha256(b"record").digest())


async def test_a_partition_begins_where_its_topic_does(database: Database) -> None:
    """A partition that nobody ever claimed has no row, and nobody owns it."""
    store = database.open()
    async with store.unit() as unit:
        assert await unit.lock_offsets(SERVICE, [COMMANDS]) == {}
    assert await store.claim(SERVICE, COMMANDS, 5) == Offset(1, 5)
    assert await store.read_offset(SERVICE, COMMANDS) == Offset(1, 5)


async def test_progress_is_kept_when_a_partition_changes_hands(database: Database) -> None:
    """The next owner goes on where the last one committed, in a new epoch."""
    writer = Writer(database.open())
    await writer.store.claim(SERVICE, COMMANDS, 0)
    writes = await writer.writes()
    writes.offsets = {COMMANDS: PROGRESS}
    await writer.commit(writes)
    assert await writer.store.read_offset(SERVICE, COMMANDS) == PROGRESS
    claimed = await database.open().claim(SERVICE, COMMANDS, 99)
    assert claimed == replace(PROGRESS, epoch=2)


async def test_an_earlier_owner_cannot_move_the_offset(database: Database) -> None:
    """A worker that was thought dead comes back: what it decided is thrown away."""
    writer = Writer(database.open())
    await writer.store.claim(SERVICE, COMMANDS, 0)
    await database.open().claim(SERVICE, COMMANDS, 0)
    writes = await writer.writes(await writer.rows("account/A"))
    writes.offsets = {COMMANDS: PROGRESS}
    with pytest.raises(ConflictError):
        await writer.commit(writes)
    assert await writer.store.head() == 0
    assert await writer.store.read_offset(SERVICE, COMMANDS) == Offset(2, 0)


async def test_an_offset_that_was_never_claimed_cannot_be_moved(database: Database) -> None:
    """Nobody makes progress on what is not theirs."""
    writer = Writer(database.open())
    writes = await writer.writes()
    writes.offsets = {COMMANDS: PROGRESS}
    with pytest.raises(ConflictError):
        await writer.commit(writes)


async def test_offsets_of_two_services_and_partitions_are_apart(database: Database) -> None:
    """Each service reads on its own."""
    store = database.open()
    other = TopicPartition(COMMANDS.topic, COMMANDS.partition + 1)
    await store.claim(SERVICE, COMMANDS, 1)
    await store.claim(SERVICE, other, 2)
    await database.open("escrow").claim("escrow", COMMANDS, 3)
    async with store.unit() as unit:
        found = await unit.lock_offsets(SERVICE, [COMMANDS, other, EVENTS])
    assert found == {COMMANDS: Offset(1, 1), other: Offset(1, 2)}


async def test_claiming_waits_for_the_batch_that_is_being_written(database: Database) -> None:
    """Either the old owner commits first, or it is fenced; nothing in between."""
    writer, thief = Writer(database.open()), database.open()
    await writer.store.claim(SERVICE, COMMANDS, 0)
    writes = await writer.writes()
    writes.offsets = {COMMANDS: PROGRESS}
    async with writer.store.unit() as unit:
        await unit.lock_offsets(SERVICE, [COMMANDS])
        stealing = asyncio.create_task(thief.claim(SERVICE, COMMANDS, 0))
        await asyncio.sleep(0.1)
        assert not stealing.done()
        await unit.write(SERVICE, writes)
    assert await stealing == replace(PROGRESS, epoch=2)


async def test_a_record_is_set_aside_once(database: Database) -> None:
    """Trying again does not fill the table; bytes are kept whatever they are."""
    writer = Writer(database.open())
    writes = await writer.writes()
    for offsets in ([4, 5], [5, 6]):
        writes.dead_letters = [letter(offset) for offset in offsets]
        await writer.commit(writes)
    assert await database.count("dead_letters") == 3


async def test_only_events_park_their_flow(database: Database) -> None:
    """A bad command holds nothing back; a bad event holds back its flow and no other."""
    writer = Writer(database.open())
    reasons = ("event_unreadable", "event_failed", "refused_by_database")
    writes = await writer.writes()
    writes.dead_letters = [letter(1, "command_failed", "flow-command")] + [
        letter(number, reason, f"flow-{reason}", EVENTS) for number, reason in enumerate(reasons)
    ]
    await writer.commit(writes)
    parked = await writer.store.parked_flows(SERVICE, EVENTS)
    assert parked == {f"flow-{reason}" for reason in reasons}
    assert await writer.store.parked_flows(SERVICE, COMMANDS) == set()
    assert await database.open("escrow").parked_flows("escrow", EVENTS) == set()


async def test_the_lease_has_one_owner_until_it_expires(database: Database) -> None:
    """Two relays never publish at once for longer than a lease."""
    store = database.open("relay")
    assert await store.take_lease("one", NOON, LEASE_S) == 0
    assert await store.take_lease("two", NOON + timedelta(seconds=LEASE_S), LEASE_S) is None
    assert await store.take_lease("one", NOON + timedelta(seconds=4), LEASE_S) == 0
    later = NOON + timedelta(seconds=LEASE_S + 1)
    assert await store.take_lease("two", later, LEASE_S) is None, "it was renewed"
    expired = NOON + timedelta(seconds=4 + LEASE_S, microseconds=1)
    assert await store.take_lease("two", expired, LEASE_S) == 0
    assert await store.take_lease("one", expired, LEASE_S) is None


async def test_only_the_owner_confirms_and_never_backwards(database: Database) -> None:
    """What was confirmed is what the next relay trusts."""
    store, other = database.open("relay"), database.open("relay")
    await store.take_lease("one", NOON, LEASE_S)
    await store.confirm("one", 7)
    await store.confirm("one", 5)
    assert await store.take_lease("one", NOON, LEASE_S) == 7
    with pytest.raises(FencedError):
        await other.confirm("two", 9)
    later = NOON + timedelta(minutes=1)
    assert await other.take_lease("two", later, LEASE_S) == 7
    with pytest.raises(FencedError):
        await store.confirm("one", 8)


async def test_news_wake_every_follower(database: Database) -> None:
    """Relay and projector go on at once, not at their next look."""
    followers, writer = [database.open(), database.open()], Writer(database.open())
    for follower in followers:
        await follower.wait_for_news(0.01)
    waiting = [asyncio.create_task(follower.wait_for_news(30)) for follower in followers]
    await asyncio.sleep(0.05)
    assert not any(task.done() for task in waiting)
    await writer.append("account/A")
    async with asyncio.timeout(5):
        await asyncio.gather(*waiting)


async def test_news_that_came_while_nobody_waited_are_not_lost(database: Database) -> None:
    """Between a look at the log and the wait for news, an event may be committed."""
    follower, writer = database.open(), Writer(database.open())
    await follower.wait_for_news(0.01)
    await writer.append("account/A")
    await asyncio.sleep(0.05)
    async with asyncio.timeout(5):
        await follower.wait_for_news(30)


async def test_without_news_the_wait_ends_by_itself(database: Database) -> None:
    """Whoever follows looks now and then anyway."""
    follower = database.open()
    await follower.wait_for_news(0.01)
    await follower.wait_for_news(0.01)


async def test_a_log_keeps_its_incarnation(database: Database) -> None:
    """Every process on one database sees the same log."""
    assert await database.open().incarnation() == await database.open().incarnation()
