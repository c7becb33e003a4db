"""What every store promises about the log: gapless, hashed, ordered in time, written once."""

import asyncio
import json
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

import pytest
from tests.conformance.databases import Database
from tests.conformance.writing import COMMANDS, NOON, SERVICE, Writer, answer, command_id

from danbao.kernel.errors import ConflictError, RefusedError, RetryableError
from danbao.kernel.ids import event_id
from danbao.kernel.messages import LogRow, Offset

WALLET = "R.CUST.A.AVAILABLE", "CNY"
EPOCH = NOON - timedelta(seconds=NOON.timestamp())


def row_hash_of(row: LogRow) -> bytes:
    """The contract's recipe, written a second time on purpose."""
    fields = [
        row.stream,
        row.version,
        row.type,
        row.schema_version,
        row.partition_key,
        row.event_id,
        row.causation_id,
        row.correlation_id,
        row.actor,
        row.data,
        row.postings,
    ]
    text = json.dumps(fields, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode()).digest()


def leaf_of(row: LogRow) -> bytes:
    """The contract's recipe for a leaf."""
    micros = (row.recorded_at - EPOCH) // timedelta(microseconds=1)
    numbers = b"".join(n.to_bytes(8, "big", signed=True) for n in (row.shard, row.position, micros))
    return sha256(b"\x00" + numbers + row_hash_of(row)).digest()


async def test_positions_have_no_gaps_across_batches(database: Database) -> None:
    """Readers go by position: a gap would be an event that nobody ever sees."""
    writer = Writer(database.open())
    assert await writer.store.head() == 0
    assert await writer.append("account/A", "account/B") == 2
    assert await writer.append("account/C") == 3
    rows = await writer.store.read_log(0, 10)
    assert [(row.position, row.stream) for row in rows] == [
        (1, "account/A"),
        (2, "account/B"),
        (3, "account/C"),
    ]
    assert await writer.store.head() == 3


async def test_the_log_is_read_in_slices(database: Database) -> None:
    """Nobody holds a snapshot for long."""
    writer = Writer(database.open())
    await writer.append(*(f"account/{name}" for name in "ABCDE"))
    store = writer.store
    assert [row.position for row in await store.read_log(0, 2)] == [1, 2]
    assert [row.position for row in await store.read_log(2, 2)] == [3, 4]
    assert [row.position for row in await store.read_log(4, 2)] == [5]
    assert list(await store.read_log(5, 2)) == []


async def test_a_row_is_read_as_it_was_written(database: Database) -> None:
    """The text of an event stays byte for byte, whatever characters it has."""
    writer = Writer(database.open())
    row = await writer.row("account/A", 1, '名\u2028 \\ " 🙂 é')
    row.actor, row.traceparent = "operator:O", "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    await writer.commit(await writer.writes([row]))
    (stored,) = await writer.store.read_log(0, 1)
    for name in (
        "stream",
        "version",
        "type",
        "schema_version",
        "partition_key",
        "event_id",
        "causation_id",
        "correlation_id",
        "actor",
        "traceparent",
        "data",
        "postings",
    ):
        assert getattr(stored, name) == getattr(row, name), name
    assert stored.recorded_at == NOON
    assert stored.shard == 0


async def test_leaves_can_be_made_again_from_what_is_read(database: Database) -> None:
    """An auditor proves that nothing was changed, in any language."""
    writer = Writer(database.open())
    row = await writer.row("account/名", 1, "é \u2028 🙂")
    row.postings = '[{"debit":"R.CB","credit":"R.X","minor":1,"currency":"CNY"}]'
    await writer.append("account/A")
    rows = await writer.store.read_log(0, 10)
    later = NOON + timedelta(microseconds=123_457)
    await writer.commit(await writer.writes([await writer.row("account/名", 1, "é 🙂")], later))
    rows = await writer.store.read_log(0, 10)
    leaves = await database.leaves()
    assert [leaf.row_hash for leaf in leaves] == [row_hash_of(row) for row in rows]
    assert [leaf.leaf_hash for leaf in leaves] == [leaf_of(row) for row in rows]


async def test_event_ids_follow_from_log_stream_and_version(database: Database) -> None:
    """A replay makes the same ids, and two logs never share one."""
    writer = Writer(database.open())
    await writer.append("account/A", "account/B")
    incarnation = await writer.store.incarnation()
    assert isinstance(incarnation, UUID)
    for row in await writer.store.read_log(0, 10):
        assert row.event_id == event_id(incarnation.bytes, row.stream, row.version)


async def test_time_never_falls_when_the_clock_is_set_back(database: Database) -> None:
    """As of a time is then a prefix of the log."""
    writer = Writer(database.open())
    await writer.append("account/A", now=NOON)
    await writer.append("account/B", now=NOON - timedelta(hours=1))
    await writer.append("account/C", now=NOON + timedelta(microseconds=1))
    times = [row.recorded_at for row in await writer.store.read_log(0, 10)]
    assert times == [NOON, NOON, NOON + timedelta(microseconds=1)]


async def test_a_batch_that_is_recorded_late_keeps_when_it_decided(database: Database) -> None:
    """Every decision can be made again to the byte: what it took for now is known."""
    writer = Writer(database.open())
    earlier = NOON - timedelta(microseconds=1)
    await writer.append("account/A", now=NOON)
    await writer.append("account/B", "account/C", now=earlier)
    await writer.append("account/D", now=NOON)
    assert await database.decision_times() == [(2, 3, earlier)]


async def test_a_version_is_taken_once(database: Database) -> None:
    """Two batches that decided on the same state cannot both be true."""
    writer = Writer(database.open())
    await writer.append("account/A")
    with pytest.raises(ConflictError):
        await writer.append("account/B", "account/A")
    assert await writer.store.head() == 1
    assert [row.stream for row in await writer.store.read_log(0, 10)] == ["account/A"]


async def test_one_batch_cannot_take_a_version_twice(database: Database) -> None:
    """The rule holds within a batch too."""
    with pytest.raises(ConflictError):
        await Writer(database.open()).append("account/A", "account/A")


async def test_a_command_is_answered_once(database: Database) -> None:
    """The second of two workers that decided the same command is turned away."""
    writer = Writer(database.open())
    first = await writer.writes(await writer.rows("account/A"))
    first.answers = [answer("command-1")]
    await writer.commit(first)
    second = await writer.writes(await writer.rows("account/B"))
    second.answers = [answer("command-1", text='{"other":1}')]
    with pytest.raises(ConflictError):
        await writer.commit(second)
    async with writer.store.unit() as unit:
        ids = [command_id("command-1"), command_id("command-2")]
        locked = await unit.lock(SERVICE, [], ids, [])
    assert locked.answers == {command_id("command-1"): answer("command-1").body.sha256}
    assert await writer.store.head() == 1


async def test_a_unit_that_fails_leaves_nothing(database: Database) -> None:
    """Offsets, states, inbox and log change together or not at all."""
    writer = Writer(database.open())
    await writer.store.claim(SERVICE, COMMANDS, 0)
    writes = await writer.writes(await writer.rows("account/A"))
    writes.answers = [answer("command-1")]
    writes.facts = {"account/A": "{}"}
    writes.balances = {("R.CUST.A.AVAILABLE", "CNY"): 5}
    writes.offsets = {COMMANDS: Offset(1, 7)}
    with pytest.raises(ZeroDivisionError):
        await _fail_after(writer, writes)
    for table in ("event_log", "inbox", "shared_facts", "guarded_balances", "stream_states"):
        assert await database.count(table) == 0, table
    assert (await writer.store.read_offset(SERVICE, COMMANDS)).next_offset == 0
    assert await writer.append("account/A") == 1, "the store goes on"


async def _fail_after(writer: Writer, writes: object) -> None:
    async with writer.store.unit() as unit:
        await unit.lock_streams(["account/A"])
        await unit.write(SERVICE, writes)  # type: ignore[arg-type]
        _ = 1 // 0


async def test_an_event_beyond_the_limit_is_refused(database: Database) -> None:
    """What Kafka could not carry never enters the log."""
    writer = Writer(database.open())
    row = await writer.row("account/A", 1, "x" * 262_144)
    with pytest.raises(RefusedError):
        await writer.commit(await writer.writes([row]))


@pytest.mark.parametrize("text", ["zero \x00", "lone \ud800"])
async def test_text_that_cannot_be_stored_is_refused_not_retried_for_ever(
    database: Database, text: str
) -> None:
    """One bad record becomes a dead letter; it does not look like a lost server."""
    writer = Writer(database.open())
    row = await writer.row("account/A", 1)
    row.partition_key = text
    with pytest.raises(RetryableError) as caught:
        await writer.commit(await writer.writes([row]))
    assert type(caught.value) is RefusedError


async def test_another_log_is_noticed(database: Database) -> None:
    """A worker that outlived a restore must not write ids of the log it knew."""
    writer = Writer(database.open())
    writes = await writer.writes(await writer.rows("account/A"))
    writes.incarnation = UUID(int=7)
    with pytest.raises(ConflictError):
        await writer.commit(writes)


async def test_a_stream_is_read_oldest_first(database: Database) -> None:
    """Folding anew gives the state that the cache had."""
    writer = Writer(database.open())
    for _ in range(3):
        await writer.begin("account/A")
    await writer.append("account/B")
    async with writer.store.unit() as unit:
        rows = await unit.read_stream("account/A")
        found = await unit.find_streams(["account/A", "account/B", "account/C"])
    assert [(row.version, row.position) for row in rows] == [(1, 1), (2, 2), (3, 3)]
    assert found == {"account/A", "account/B"}


@pytest.mark.parametrize("what", ["balance", "fact"])
async def test_who_waits_to_write_does_not_hold_up_the_log(database: Database, what: str) -> None:
    """The head row is taken last of all: others append meanwhile."""
    holder, waiting, other = database.open(), Writer(database.open()), Writer(database.open())

    async def write() -> None:
        writes = await waiting.writes(await waiting.rows("account/A"))
        if what == "balance":
            writes.balances = {WALLET: 1}
        else:
            writes.facts = {"account/A": "{}"}
        await waiting.commit(writes)

    async with holder.unit() as unit:
        await unit.lock_balances([WALLET])
        await unit.share_facts(["account/A"])
        writing = asyncio.create_task(write())
        await asyncio.sleep(0.1)
        assert await asyncio.wait_for(other.append("account/B"), 1) == 1
        assert not writing.done()
    await writing
    rows = await other.store.read_log(0, 10)
    assert [row.stream for row in rows] == ["account/B", "account/A"]
