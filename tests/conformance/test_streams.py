"""What every store promises to two workers at once about streams: locks, versions, beginnings."""

import asyncio

import pytest
from tests.conformance.databases import Database
from tests.conformance.writing import SERVICE, Writer

from danbao.kernel.errors import ConflictError
from danbao.kernel.messages import BEGINNING, StateChange, StoredStream


async def test_two_units_racing_for_a_new_stream_make_one_version_one(database: Database) -> None:
    """FOR UPDATE alone does not lock what does not exist."""
    writers = [Writer(database.open()) for _ in range(2)]
    ends = await asyncio.gather(
        *(writer.begin("account/A") for writer in writers), return_exceptions=True
    )
    versions = sorted(end for end in ends if isinstance(end, int))
    conflicts = [end for end in ends if isinstance(end, ConflictError)]
    assert versions in ([1], [1, 2])
    assert len(versions) + len(conflicts) == 2
    rows = await writers[0].store.read_log(0, 10)
    assert [row.version for row in rows] == versions


async def test_whoever_waits_for_a_stream_sees_what_the_other_made_of_it(
    database: Database,
) -> None:
    """No decision is made on a state that is about to change."""
    first, second = Writer(database.open()), database.open()
    locked, seen = asyncio.Event(), list[StoredStream]()

    async def wait_and_look() -> None:
        await locked.wait()
        async with second.unit() as unit:
            seen.append((await unit.lock_streams(["account/A"]))["account/A"])

    looking = asyncio.create_task(wait_and_look())
    async with first.store.unit() as unit:
        await unit.lock_streams(["account/A"])
        locked.set()
        await asyncio.sleep(0.1)
        assert seen == [], "the lock is held until the unit ends"
        writes = await first.writes(await first.rows("account/A"))
        writes.states = [StateChange("account/A", 0, 1, 3, '{"frozen":true}')]
        await unit.write(SERVICE, writes)
    await looking
    assert seen == [StoredStream(1, 3, '{"frozen":true}')]


async def test_a_lock_is_not_waited_for_without_end(database: Database) -> None:
    """A worker that froze must not freeze all others."""
    first, second = database.open(), database.open()
    async with first.unit() as unit:
        await unit.lock_streams(["account/A"])
        with pytest.raises(ConflictError):
            async with second.unit() as other:
                await other.lock_streams(["account/A"])


async def test_a_stream_that_was_only_looked_at_leaves_nothing(database: Database) -> None:
    """Refusals about things that do not exist must not fill a table."""
    writer = Writer(database.open())
    async with writer.store.unit() as unit:
        assert await unit.lock_streams(["account/A", "account/B"]) == {
            "account/A": StoredStream(0, 0, None),
            "account/B": StoredStream(0, 0, None),
        }
        writes = await writer.writes(await writer.rows("account/B"))
        writes.states = [StateChange("account/B", 0, 1, 1, "{}")]
        writes.unused_streams = ["account/A"]
        await unit.write(SERVICE, writes)
    assert await database.count("stream_states") == 1


async def test_a_state_moves_only_from_the_version_it_was_read_at(database: Database) -> None:
    """A change that was computed from something else is turned away."""
    writer = Writer(database.open())
    await writer.begin("account/A")
    writes = await writer.writes()
    for expected in (0, 2):
        writes.states = [StateChange("account/A", expected, expected + 1, 1, "{}")]
        with pytest.raises(ConflictError):
            await writer.commit(writes)
    writes.states = [StateChange("account/unknown", 1, 2, 1, "{}")]
    with pytest.raises(ConflictError):
        await writer.commit(writes)


async def test_a_stream_begins_once(database: Database) -> None:
    """Nobody holds what is not there: of two that begin it, one is turned away when it writes."""
    first, second = (Writer(database.open()) for _ in range(2))
    written = asyncio.Event()

    async def begin_too() -> None:
        async with second.store.unit() as unit:
            locked = await unit.lock(SERVICE, [], [], ["account/A"])
            assert locked.streams == {"account/A": BEGINNING}
            await written.wait()
            writes = await second.writes(await second.rows("account/B"))
            writes.states = [StateChange("account/A", 0, 1, 1, "{}")]
            await unit.write(SERVICE, writes)

    beginning = asyncio.create_task(begin_too())
    async with first.store.unit() as unit:
        assert (await unit.lock(SERVICE, [], [], ["account/A"])).streams == {"account/A": BEGINNING}
        writes = await first.writes(await first.rows("account/A"))
        writes.states = [StateChange("account/A", 0, 1, 1, "{}")]
        await unit.write(SERVICE, writes)
        written.set()
        await asyncio.sleep(0.1)
        assert not beginning.done(), "the other waits until it is certain that the stream begins"
    with pytest.raises(ConflictError):
        await beginning
    assert [row.stream for row in await first.store.read_log(0, 10)] == ["account/A"]


async def test_a_stream_that_was_looked_at_in_vain_begins_after_what_was_decided(
    database: Database,
) -> None:
    """A refusal that rests on the absence of a trade stands in the log before the trade."""
    refuser, beginner = (Writer(database.open()) for _ in range(2))
    async with refuser.store.unit() as unit:
        await unit.lock(SERVICE, [], [], ["account/A"])
        writes = await refuser.writes(await refuser.rows("rejection/1"))
        writes.unused_streams = ["account/A"]
        await unit.write(SERVICE, writes)
        beginning = asyncio.create_task(beginner.begin("account/A"))
        await asyncio.sleep(0.1)
        assert not beginning.done(), "the refusal is not committed yet"
    assert await beginning == 1
    rows = await refuser.store.read_log(0, 10)
    assert [row.stream for row in rows] == ["rejection/1", "account/A"]


async def test_nothing_is_decided_on_the_absence_of_a_stream_that_has_begun(
    database: Database,
) -> None:
    """Whoever looked in vain, and then was overtaken, looks again."""
    refuser, beginner = (Writer(database.open()) for _ in range(2))
    writes = await refuser.writes(await refuser.rows("rejection/1"))
    writes.unused_streams = ["account/A"]
    async with refuser.store.unit() as unit:
        await unit.lock(SERVICE, [], [], ["account/A"])
        await beginner.begin("account/A")
        with pytest.raises(ConflictError):
            await unit.write(SERVICE, writes)
    assert [row.stream for row in await refuser.store.read_log(0, 10)] == ["account/A"]
