"""Commands that are wrong in every way, each with what must become of it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.integration.wire import Raw, command, money

MERCHANT = "M-bad"
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
