"""Records that are wrong in every way: each has its end, nobody crashes, the next one is served."""

import json
import logging
import time
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from tests.integration.bad_commands import ALL, REFUSED, Bad, data, good
from tests.integration.conftest import EngineFactory
from tests.integration.running_engine import RunningEngine
from tests.integration.wire import Raw, Wire, id_of

pytestmark = pytest.mark.servers
log = logging.getLogger(__name__)

PARTITIONS = 8
PROMISED_S = 1.0
ALLOWED_S = 3.0
"""A test machine may be busy; `--log-cli-level INFO` shows what was measured."""


@pytest.fixture(scope="module")
def engine(engine_factory: EngineFactory) -> Iterator[RunningEngine]:
    """An engine that nobody treats well."""
    with engine_factory() as running:
        yield running


@pytest.fixture
async def wire(engine: RunningEngine) -> AsyncIterator[Wire]:
    """Raw records in, answers out."""
    async with Wire(engine) as connected:
        yield connected


@pytest.fixture
def unharmed(engine: RunningEngine) -> Iterator[None]:
    """Nothing may die of what the test sends: the processes afterwards are those from before."""
    before = engine.processes
    yield
    assert engine.processes == before


async def letter_at(engine: RunningEngine, raw: Raw, place: int, offset: int) -> str | None:
    """Reason of the dead letter of a record; None when it has none."""
    rows: list[asyncpg.Record] = await engine.fetch(
        "SELECT reason, key, value FROM danbao.dead_letters"
        " WHERE topic = $1 AND partition = $2 AND record_offset = $3",
        f"danbao.{raw.service}.commands", place, offset,
    )  # fmt: skip
    for row in rows:
        assert (row["key"], row["value"]) == (raw.key, raw.value)
    assert len(rows) <= 1
    return rows[0]["reason"] if rows else None


async def assert_ended(
    engine: RunningEngine, wire: Wire, bad: Bad, sent: tuple[Raw, int, int]
) -> None:
    """The record has become a dead letter, or is answered with a code and the field."""
    raw, place, offset = sent
    assert (await letter_at(engine, raw, place, offset) or "") == bad.letter
    if bad.letter:
        assert raw.headers.get("ce_id", b"").decode(errors="replace") not in wire.answers
        return
    await wire.answer(raw.command_id)
    [answer] = wire.answers[raw.command_id]
    assert (answer.type, answer.code) == ("escrow.command_rejected.v1", "invalid_command")
    assert answer.data["facts"]["field"] == bad.field


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("bad", ALL, ids=lambda bad: bad.name)
async def test_a_bad_record_has_its_end_and_holds_nobody_up(
    engine: RunningEngine,
    wire: Wire,
    bad: Bad,
) -> None:
    """A good command right behind it, in the same partition, is answered within a second."""
    place = ALL.index(bad) % PARTITIONS
    raw, next_one = bad.raw("single"), good(f"after {bad.name}", f"T-after-{ALL.index(bad)}")
    offset = await wire.send(raw, place)
    begun = time.monotonic()
    await wire.send(next_one, place)

    answer = await wire.answer(next_one.command_id)

    took_s = answer.seen_at - begun
    level = logging.INFO if took_s <= PROMISED_S else logging.WARNING
    log.log(level, "after %s a good command is answered in %.3f s", bad.name, took_s)
    assert answer.partition_key == next_one.key.decode()  # a yes or a no, but about this one
    assert took_s < ALLOWED_S
    await assert_ended(engine, wire, bad, (raw, place, offset))


@pytest.mark.usefixtures("unharmed")
async def test_all_of_them_at_once_leave_the_auditor_nothing_to_find(
    engine: RunningEngine, wire: Wire
) -> None:
    """One batch holds many bad records and good ones between them."""
    bads = [(bad, bad.raw("burst"), number % PARTITIONS) for number, bad in enumerate(ALL)]
    goods = [good(f"burst {number}", f"T-burst-{number}") for number in range(PARTITIONS * 4)]
    mixed = [(raw, place) for _, raw, place in bads]
    for number, raw in enumerate(goods):
        mixed.insert(number * 3, (raw, number % PARTITIONS))

    offsets = dict(zip(map(id, (raw for raw, _ in mixed)), await wire.send_all(mixed), strict=True))

    await wire.codes(goods)
    await engine.wait_idle()
    for bad, raw, place in bads:
        await assert_ended(engine, wire, bad, (raw, place, offsets[id(raw)]))
    assert await engine.audit() == []
    shown = json.loads(engine.cli("dead-letters", "--json", "--limit", "1000").stdout)
    listed = {(row["topic"], row["partition"], row["record_offset"]) for row in shown["newest"]}
    assert listed >= {
        (f"danbao.{raw.service}.commands", place, offsets[id(raw)])
        for bad, raw, place in bads
        if bad.letter
    }


@pytest.mark.parametrize(
    "name", ["actor of no kind", "no key", "lone surrogate", "a number", "beyond any double"]
)
async def test_what_the_inbox_keeps_of_a_refused_command_is_what_was_sent(
    engine: RunningEngine, wire: Wire, name: str
) -> None:
    """The body of every command is canonical JSON, and its columns say the same."""
    [bad] = [bad for bad in REFUSED if bad.name == name]
    raw = bad.raw("inbox")
    await wire.send(raw, 0)
    await wire.answer(raw.command_id)
    await engine.wait_idle()

    [row] = await engine.fetch(
        "SELECT type, partition_key, actor, body FROM danbao.inbox WHERE message_id = $1",
        raw.command_id,
    )

    body = json.loads(row["body"])
    assert body.keys() == {"type", "partitionkey", "actor", "data"}
    assert (body["type"], body["partitionkey"], body["actor"]) == (
        row["type"],
        row["partition_key"],
        row["actor"],
    )


@pytest.mark.usefixtures("unharmed")
async def test_the_same_bad_command_twice_is_refused_once(wire: Wire) -> None:
    """A refusal is an answer: a repeat gets no second one, another body does."""
    trade_id = "T-bad-again"
    first = data(colour="red")(good("again", trade_id))
    other = data(colour="blue")(good("again", trade_id))
    for raw in (first, first, other, other, first):
        await wire.send(raw, 3)
    last = good("again, at last", trade_id)
    await wire.send(last, 3)

    await wire.answer(last.command_id)

    codes = [answer.code for answer in wire.answers[id_of("again")]]
    assert codes == ["invalid_command", "command_id_reused"]
