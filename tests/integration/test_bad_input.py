"""Records that are wrong in every way: each has its end, nobody crashes, the next one is served."""

import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace

import asyncpg
import pytest
from tests.integration.conftest import EngineFactory
from tests.integration.running_engine import RunningEngine
from tests.integration.wire import Raw, Wire, command, id_of, money

pytestmark = pytest.mark.servers
log = logging.getLogger(__name__)

PARTITIONS = 8
MERCHANT = "M-bad"
PROMISED_S = 1.0
ALLOWED_S = 3.0
"""A test machine may be busy; `--log-cli-level INFO` shows what was measured."""
COMMAND_BYTES_MAX = 65_536
MEBIBYTE = 1_048_576
LONE = "\ud800"


@dataclass(frozen=True, slots=True)
class Bad:
    """One way of being wrong: how a good command is spoilt, and what becomes of it."""

    name: str
    spoil: Callable[[Raw], Raw]
    letter: str = ""
    """Reason of the dead letter; empty: it is answered `invalid_command` instead."""
    field: str = ""
    """The field that the answer names."""

    def raw(self, run: str) -> Raw:
        """The record; another id for each run."""
        return self.spoil(good(f"bad {run} {self.name}", f"T-bad-{run}"))


def good(name: str, trade_id: str) -> Raw:
    """A command with nothing wrong."""
    return command(
        name, "escrow.create_trade.v1", trade_id, trade_id=trade_id, buyer="B-bad",
        seller=MERCHANT, amount=money(9_000), title="tea",
    )  # fmt: skip


def data(**changes: object) -> Callable[[Raw], Raw]:
    """Change fields of the data; a lone surrogate goes out as its escape."""

    def spoil(raw: Raw) -> Raw:
        return replace(raw, value=json.dumps(json.loads(raw.value or b"") | changes).encode())

    return spoil


def without(name: str) -> Callable[[Raw], Raw]:
    """Leave a field of the data out."""

    def spoil(raw: Raw) -> Raw:
        fields = json.loads(raw.value or b"")
        del fields[name]
        return replace(raw, value=json.dumps(fields).encode())

    return spoil


def value(content: bytes | None) -> Callable[[Raw], Raw]:
    """Put other bytes in place of the data."""
    return lambda raw: replace(raw, value=content)


def text(old: bytes, new: bytes) -> Callable[[Raw], Raw]:
    """Change the bytes of the data."""

    def spoil(raw: Raw) -> Raw:
        assert raw.value is not None
        assert old in raw.value
        return replace(raw, value=raw.value.replace(old, new))

    return spoil


def headers(**changes: bytes | None) -> Callable[[Raw], Raw]:
    """Change headers; None takes one away."""
    return lambda raw: raw.changed(**changes)


def content_type(name: bytes) -> Callable[[Raw], Raw]:
    """Say that the value is something else."""
    return lambda raw: raw.changed(**{"content-type": name})


def key(content: bytes | None, header: bytes | None = None) -> Callable[[Raw], Raw]:
    """Give the record another key, and the same or no `ce_partitionkey`."""
    return lambda raw: replace(raw, key=content).changed(ce_partitionkey=header)


def filled(size: int) -> Callable[[Raw], Raw]:
    """Fill a text until the value has so many bytes."""

    def spoil(raw: Raw) -> Raw:
        assert raw.value is not None
        more = size - len(raw.value)
        return text(b'"tea"', b'"tea' + b"a" * more + b'"')(raw)

    return spoil


def amount(content: object) -> Callable[[Raw], Raw]:
    """Give the amount another number."""
    return data(amount={"minor": content, "currency": "CNY"})


STRUCTURED = b"application/cloudevents+json"
LETTERS = [
    Bad("random bytes", value(bytes(range(128, 256))), "json_unreadable"),
    Bad("no utf-8 in a text", text(b"tea", b"\xff\xfe"), "json_unreadable"),
    Bad("surrogate in utf-8", text(b"tea", b"\xed\xa0\x80"), "json_unreadable"),
    Bad("cut json", value(b'{"trade_id": "T-1'), "json_unreadable"),
    Bad("nothing at all", value(b""), "json_unreadable"),
    Bad("two documents", value(b"{}{}"), "json_unreadable"),
    Bad("byte order mark", text(b'{"trade_id', b'\xef\xbb\xbf{"trade_id'), "json_unreadable"),
    Bad("NaN", text(b"9000", b"NaN"), "json_unreadable"),
    Bad("Infinity", text(b"9000", b"-Infinity"), "json_unreadable"),
    Bad("leading zero", text(b"9000", b"09000"), "json_unreadable"),
    Bad("deep lists", value(b"[" * 30_000 + b"]" * 30_000), "json_unreadable"),
    Bad("deep objects", value(b'{"a":' * 10_000 + b"1" + b"}" * 10_000), "json_unreadable"),
    Bad("null value", value(None), "empty_value"),
    Bad("one byte too large", filled(COMMAND_BYTES_MAX + 1), "too_large"),
    Bad("a mebibyte less one", filled(MEBIBYTE - 1), "too_large"),
    Bad("a mebibyte", filled(MEBIBYTE), "too_large"),
    Bad("no id", headers(ce_id=None), "id_unusable"),
    Bad("empty id", headers(ce_id=b""), "id_unusable"),
    Bad("id that is no uuid", headers(ce_id=b"order-17"), "id_unusable"),
    Bad("id that is no utf-8", headers(ce_id=b"\xff" * 36), "id_unusable"),
    Bad("id with a zero byte", headers(ce_id=b"\x00" * 36), "id_unusable"),
    Bad("no type", headers(ce_type=None), "type_unusable"),
    Bad("empty type", headers(ce_type=b""), "type_unusable"),
    Bad("type with a zero byte", headers(ce_type=b"a\x00b"), "type_unusable"),
    Bad("endless type", headers(ce_type=b"a" * 10_000), "type_unusable"),
    Bad("key that is no utf-8", key(b"\xff\xfe"), "key_unusable"),
    Bad("key with a zero byte", key(b"T\x001"), "key_unusable"),
    Bad("endless key", key(b"T" * 10_000), "key_unusable"),
    Bad("structured mode, no json", content_type(STRUCTURED), "id_unusable"),
    Bad(
        "structured mode, a list",
        lambda raw: content_type(STRUCTURED)(value(b"[1]")(raw)),
        "json_unreadable",
    ),
]
REFUSED = [
    Bad("a list", value(b"[]"), field="data"),
    Bad("a number", value(b"1e400"), field="data"),
    Bad("json null", value(b"null"), field="data"),
    Bad("unknown field", data(colour="red"), field="colour"),
    Bad("missing field", without("buyer"), field="buyer"),
    Bad("duplicate key", text(b'"buyer"', b'"title": "tea", "buyer"'), field="title"),
    Bad("text for an object", data(amount="9000"), field="amount"),
    Bad("number for a text", data(title=7), field="title"),
    Bad("null for a text", data(title=None), field="title"),
    Bad("text for a number", amount("9000"), field="amount.minor"),
    Bad("boolean for a number", amount(content=True), field="amount.minor"),
    Bad("negative", amount(-1), field="amount.minor"),
    Bad("zero", amount(0), field="amount.minor"),
    Bad("fraction", amount(0.5), field="amount.minor"),
    Bad("12.0", amount(12.0), field="amount.minor"),
    Bad("1e3", text(b"9000", b"1e3"), field="amount.minor"),
    Bad("over the limit", amount(10**15 + 1), field="amount.minor"),
    Bad("beyond 64 bits", amount(2**64), field="amount.minor"),
    Bad("beyond any double", amount(10**400), field="amount.minor"),
    Bad("no such currency", data(amount=money(1, "XXQ")), field="amount"),
    Bad("small letters", data(amount=money(1, "cny")), field="amount.currency"),
    Bad("unknown field inside", data(amount=money(1) | {"x": 1}), field="amount.x"),
    Bad("forbidden characters", data(buyer="B 1"), field="buyer"),
    Bad("letters beyond ascii", data(buyer="买家"), field="buyer"),
    Bad("slash", data(buyer="a/b"), field="buyer"),
    Bad("line feed at the end", data(buyer="B-1\n"), field="buyer"),
    Bad("empty buyer", data(buyer=""), field="buyer"),
    Bad("id too long", data(buyer="B" * 65), field="buyer"),
    Bad("text too long", data(title="a" * 257), field="title"),
    Bad("as large as allowed", filled(COMMAND_BYTES_MAX), field="title"),
    Bad("U+0000", data(title="a\x00b"), field="title"),
    Bad("U+0000 in a key", data(**{"a\x00b": 1}), field="data"),
    Bad("lone surrogate", data(title=f"a{LONE}"), field="title"),
    Bad("lone surrogate in an id", data(buyer=LONE), field="buyer"),
    Bad("lone surrogate in a key", data(**{LONE: 1}), field="data"),
    Bad("surrogates in wrong order", data(title="\udc00\ud800"), field="title"),
    Bad("seconds of no time", data(pay_within_s=0), field="pay_within_s"),
    Bad("seconds beyond 60 days", data(pay_within_s=5_184_001), field="pay_within_s"),
    Bad("unknown type", headers(ce_type=b"escrow.burn_trade.v1"), field="type"),
    Bad("type of another service", headers(ce_type=b"accounts.top_up.v1"), field="type"),
    Bad("an event as a command", headers(ce_type=b"escrow.trade_created.v1"), field="type"),
    Bad("another version", headers(ce_type=b"escrow.create_trade.v2"), field="type"),
    Bad("key of another flow", key(b"T-other", b"T-other"), field="partitionkey"),
    Bad("no key", key(None), field="partitionkey"),
    Bad("empty key", key(b""), field="partitionkey"),
    Bad("key unlike its header", headers(ce_partitionkey=b"T-other"), field="partitionkey"),
    Bad("another specversion", headers(ce_specversion=b"2.0"), field="specversion"),
    Bad("actor of no kind", headers(ce_actor=b"B-bad"), field="actor"),
    Bad("empty actor", headers(ce_actor=b""), field="actor"),
    Bad("actor that is no utf-8", headers(ce_actor=b"buyer:\xff"), field="actor"),
    Bad("actor with a zero byte", headers(ce_actor=b"buyer:\x00"), field="actor"),
    Bad("broken correlation", headers(ce_correlationid=b"a b"), field="correlationid"),
]
ALL = [*LETTERS, *REFUSED]


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
