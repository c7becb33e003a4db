"""Whatever bytes arrive on a command topic, reading ends in a wish, a refusal or a dead letter.

Never in an exception: one would stop the worker, and every restart would read the record again.
"""

import json
import sys
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from danbao.contracts.catalogue import COMMANDS, service_of
from danbao.contracts.rejection import RejectionCode
from danbao.kernel.commands import read_command
from danbao.kernel.messages import DeadLetter, Message, Record, TopicPartition

ID = "018f0000-0000-7000-8000-000000000001"
TYPE = "accounts.top_up.v1"
BYTES_MAX = 65_536
TOP_UP = {
    "top_up_id": "U-1",
    "account_id": "A-1",
    "amount": {"minor": 100, "currency": "CNY"},
    "bank_card": "card_ok",
}
DEEP = sys.getrecursionlimit()

Read = Message | DeadLetter


def record(
    value: bytes | None,
    *,
    key: bytes | None = b"A-1",
    headers: Mapping[str, bytes | None] | Sequence[tuple[str, bytes]] = {},
) -> Record:
    """A record of accounts' command topic; None as a header leaves it out."""
    if isinstance(headers, Mapping):
        given_headers: dict[str, bytes | None] = {
            "ce_specversion": b"1.0",
            "ce_id": ID.encode(),
            "ce_type": TYPE.encode(),
            "ce_source": b"test",
            "ce_partitionkey": key,
            "content-type": b"application/json",
        }
        given_headers |= headers
        headers = [(name, text) for name, text in given_headers.items() if text is not None]
    return Record(TopicPartition("danbao.accounts.commands", 0), 7, key, value, headers)


def read(value: object, **changes: object) -> Read:
    """Read a command whose data is a value, or bytes as they are."""
    text = value if isinstance(value, bytes) or value is None else json.dumps(value).encode()
    return read_command(record(text, **changes), "accounts", BYTES_MAX)  # type: ignore[arg-type]


def top_up(**changes: object) -> Read:
    """Read a top-up with other fields."""
    return read(TOP_UP | changes)


def refused_field(message: Read) -> object:
    """The field that an `invalid_command` names."""
    assert isinstance(message, Message), message
    assert message.refusal is not None
    assert message.refusal.code is RejectionCode.INVALID_COMMAND
    assert not message.wishes
    assert message.refusal.facts["problem"]
    check_storable(message)
    return message.refusal.facts["field"]


def check_storable(message: Read) -> None:
    """Everything that goes into tables is text that Postgres can keep."""
    texts: list[str | None]
    if isinstance(message, DeadLetter):
        texts = [message.reason, message.partition_key]
        message.detail.encode()
    else:
        assert message.command is not None
        cause, command = message.cause, message.command
        texts = [cause.id, cause.partition_key, cause.correlation_id, cause.actor]
        texts += [cause.traceparent, command.type, command.text]
        if message.refusal is not None:
            texts.append(json.dumps(dict(message.refusal.facts), ensure_ascii=False))
    for text in texts:
        assert text is None or "\x00" not in text
        assert text is None or text.encode()


def hash_of(message: Read) -> bytes:
    """The hash by which two bodies are the same."""
    assert isinstance(message, Message), message
    assert message.command is not None
    return message.command.sha256


def test_a_good_command_is_one_wish() -> None:
    """Id, flow and correlation come from the headers."""
    message = read(TOP_UP, headers={"ce_actor": b"buyer:A-1", "ce_correlationid": b"day-1"})
    assert isinstance(message, Message)
    assert message.refusal is None
    (wish,) = message.wishes
    assert type(wish) is COMMANDS[TYPE]
    cause = message.cause
    assert (cause.id, cause.partition_key) == (ID, "A-1")
    assert (cause.actor, cause.correlation_id) == ("buyer:A-1", "day-1")


def test_the_flow_may_be_given_by_the_key_alone() -> None:
    """A simple producer sets the record's key and no header for it."""
    message = read(TOP_UP, headers={"ce_partitionkey": None})
    assert isinstance(message, Message)
    assert message.refusal is None
    assert message.cause.partition_key == "A-1"


def test_the_flow_may_be_given_by_the_header_alone() -> None:
    """A producer may choose partitions its own way."""
    message = read(TOP_UP, key=None, headers={"ce_partitionkey": b"A-1"})
    assert isinstance(message, Message)
    assert message.refusal is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty_value"),
        (b"", "json_unreadable"),
        (b"{", "json_unreadable"),
        (b"\xff\xfe", "json_unreadable"),
        (b"\x00", "json_unreadable"),
        (b'{"a": NaN}', "json_unreadable"),
        (b'{"a": Infinity}', "json_unreadable"),
        (b'{"a": 1,}', "json_unreadable"),
        (b'{"a": "\x01"}', "json_unreadable"),
        (b'{"a": "\xed\xa0\x80"}', "json_unreadable"),
        (b"{} {}", "json_unreadable"),
        (b"\xef\xbb\xbf{}", "json_unreadable"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "json_unreadable"),
        (b"[" * 30_000 + b"]" * 30_000, "json_unreadable"),
        (b" " * (BYTES_MAX + 1), "too_large"),
        (b"x" * 1_048_576, "too_large"),
    ],
)
def test_what_cannot_be_read_is_set_aside(value: bytes | None, reason: str) -> None:
    """Nobody can be answered, and nobody is held back."""
    letter = read(value)
    assert isinstance(letter, DeadLetter)
    assert letter.reason == reason
    assert letter.partition_key == "A-1"
    check_storable(letter)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"ce_id": None}, "id_unusable"),
        ({"ce_id": b""}, "id_unusable"),
        ({"ce_id": b"A-1"}, "id_unusable"),
        ({"ce_id": ID.replace("-", "").encode()}, "id_unusable"),
        ({"ce_id": b"{" + ID.encode() + b"}"}, "id_unusable"),
        ({"ce_id": ID.encode() + b"\n"}, "id_unusable"),
        ({"ce_id": b"\xff" + ID.encode()[1:]}, "id_unusable"),
        ({"ce_id": b"\x00" * 36}, "id_unusable"),
        ({"ce_type": None}, "type_unusable"),
        ({"ce_type": b""}, "type_unusable"),
        ({"ce_type": b"top up"}, "type_unusable"),
        ({"ce_type": b"\xff\xff"}, "type_unusable"),
        ({"ce_type": b"a" * 129}, "type_unusable"),
        ({"ce_partitionkey": b"k" * 257}, "key_unusable"),
    ],
)
def test_without_a_usable_envelope_it_is_set_aside(
    headers: Mapping[str, bytes | None], reason: str
) -> None:
    """An answer needs an id to answer to."""
    letter = read(TOP_UP, headers=headers)
    assert isinstance(letter, DeadLetter)
    assert letter.reason == reason
    check_storable(letter)


@pytest.mark.parametrize("key", [b"\xff", b"\x00", b"k" * 300])
def test_a_key_that_is_no_text_is_set_aside(key: bytes) -> None:
    """It could be neither stored nor published again."""
    letter = read(TOP_UP, key=key, headers={"ce_partitionkey": None})
    assert isinstance(letter, DeadLetter)
    assert letter.reason == "key_unusable"
    check_storable(letter)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": {"minor": 0, "currency": "CNY"}}, "amount.minor"),
        ({"amount": {"minor": -1, "currency": "CNY"}}, "amount.minor"),
        ({"amount": {"minor": 10**15 + 1, "currency": "CNY"}}, "amount.minor"),
        ({"amount": {"minor": 2**63, "currency": "CNY"}}, "amount.minor"),
        ({"amount": {"minor": 2**64, "currency": "CNY"}}, "amount.minor"),
        ({"amount": {"minor": 10**400, "currency": "CNY"}}, "amount.minor"),
        ({"amount": {"minor": 12.5, "currency": "CNY"}}, "amount.minor"),
        ({"amount": {"minor": 12.0, "currency": "CNY"}}, "amount.minor"),
        ({"amount": {"minor": "12", "currency": "CNY"}}, "amount.minor"),
        ({"amount": {"minor": True, "currency": "CNY"}}, "amount.minor"),
        ({"amount": {"minor": None, "currency": "CNY"}}, "amount.minor"),
        ({"amount": {"currency": "CNY"}}, "amount.minor"),
        ({"amount": {"minor": 1}}, "amount.currency"),
        ({"amount": {"minor": 1, "currency": "cny"}}, "amount.currency"),
        ({"amount": {"minor": 1, "currency": "CNY\n"}}, "amount.currency"),
        ({"amount": {"minor": 1, "currency": "CNY", "note": ""}}, "amount.note"),
        ({"amount": 12}, "amount"),
        ({"amount": None}, "amount"),
        ({"amount": []}, "amount"),
        ({"top_up_id": ""}, "top_up_id"),
        ({"top_up_id": "x" * 65}, "top_up_id"),
        ({"top_up_id": "U 1"}, "top_up_id"),
        ({"top_up_id": "U/1"}, "top_up_id"),
        ({"top_up_id": "U-1\n"}, "top_up_id"),
        ({"top_up_id": "充值"}, "top_up_id"),
        ({"top_up_id": 7}, "top_up_id"),
        ({"top_up_id": "U\x00"}, "top_up_id"),
        ({"top_up_id": "\ud800"}, "top_up_id"),
        ({"bank_card": ["card_ok"]}, "bank_card"),
        ({"note": 1}, "note"),
        ({"account_id": "A-2"}, "partitionkey"),
    ],
)
def test_a_broken_field_is_refused_by_its_name(changes: Mapping[str, object], field: str) -> None:
    """The sender finds what to mend."""
    assert refused_field(top_up(**changes)) == field


@pytest.mark.parametrize("field", TOP_UP)
def test_a_missing_field_is_refused_by_its_name(field: str) -> None:
    """Nothing has a default that the contract does not name."""
    data = {name: value for name, value in TOP_UP.items() if name != field}
    assert refused_field(read(data)) == field


@pytest.mark.parametrize("value", [None, [], "text", 12, True, 1e400])
def test_data_that_is_no_object_is_refused(value: object) -> None:
    """It is JSON, so its sender has an answer."""
    text = b"1e400" if value == 1e400 else json.dumps(value).encode()
    assert refused_field(read(text)) == "data"


@pytest.mark.parametrize("code", ["ABC", "XYZ"])
def test_a_currency_that_does_not_exist_is_refused(code: str) -> None:
    """Three capital letters are not yet a currency."""
    field = refused_field(top_up(amount={"minor": 1, "currency": code}))
    assert str(field).startswith("amount")


@pytest.mark.parametrize(
    "command_type",
    [
        "accounts.unknown.v1",
        "accounts.top_up.v2",
        "escrow.create_trade.v1",
        "accounts.top_up_settled.v1",
        "top_up",
        "Accounts.Top_Up.V1",
    ],
)
def test_a_type_that_the_service_does_not_take_is_refused(command_type: str) -> None:
    """A typing error of the sender is answered."""
    assert refused_field(read(TOP_UP, headers={"ce_type": command_type.encode()})) == "type"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (b'{"bank_card":"a","bank_card":"b"}', "bank_card"),
        (b'{"amount":{"minor":1,"minor":2}}', "minor"),
        (b'{"\\ud800":1,"\\ud800":2}', "?"),
        (b'{"\\u0000":1}', "data"),
        (b'{"a":{"\\udfff":1}}', "a"),
        (b'{"bank_card":"\\u0000"}', "bank_card"),
    ],
)
def test_json_that_two_readers_would_read_differently_is_refused(text: bytes, field: str) -> None:
    """Duplicate keys, U+0000 and lone surrogates."""
    assert refused_field(read(text)) == field


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        ({"ce_specversion": b"0.3"}, "specversion"),
        ({"ce_partitionkey": b"A-2"}, "partitionkey"),
        ({"ce_partitionkey": b""}, "partitionkey"),
        ({"ce_partitionkey": b"\xff"}, "partitionkey"),
        ({"ce_actor": b""}, "actor"),
        ({"ce_actor": b"buyer"}, "actor"),
        ({"ce_actor": b"buyer:"}, "actor"),
        ({"ce_actor": b"root:A-1"}, "actor"),
        ({"ce_actor": b"buyer:A 1"}, "actor"),
        ({"ce_actor": b"buyer:A-1\n"}, "actor"),
        ({"ce_actor": b"\xff"}, "actor"),
        ({"ce_actor": b"buyer:\x00"}, "actor"),
        ({"ce_correlationid": b""}, "correlationid"),
        ({"ce_correlationid": b"a b"}, "correlationid"),
        ({"ce_correlationid": b"\xff"}, "correlationid"),
        ({"ce_correlationid": b"x" * 65}, "correlationid"),
    ],
)
def test_a_broken_envelope_is_refused_by_its_name(
    headers: Mapping[str, bytes | None], field: str
) -> None:
    """What stands around the data is checked like the data."""
    assert refused_field(read(TOP_UP, headers=headers)) == field


def test_no_key_at_all_is_refused() -> None:
    """The answer still needs a flow: it gets the command's own id."""
    message = read(TOP_UP, key=None)
    assert refused_field(message) == "partitionkey"
    assert isinstance(message, Message)
    assert message.cause.partition_key == ID


def test_a_record_key_that_is_not_the_flow_is_refused() -> None:
    """It would lie in the wrong partition, out of its order."""
    message = read(TOP_UP, key=b"A-2", headers={"ce_partitionkey": b"A-1"})
    assert refused_field(message) == "partitionkey"


def test_a_broken_traceparent_is_left_out() -> None:
    """Tracing never stops a payment."""
    message = read(TOP_UP, headers={"ce_traceparent": b"00-zz\x00"})
    assert isinstance(message, Message)
    assert message.refusal is None
    assert message.cause.traceparent is None


def test_ids_are_the_same_in_any_case_of_letters() -> None:
    """A UUID is a number, not a text."""
    upper = "ABCDEF00-0000-7000-8000-000000000001"
    message = read(TOP_UP, headers={"ce_id": upper.encode()})
    assert isinstance(message, Message)
    assert message.cause.id == upper.lower()


@pytest.mark.parametrize("depth", [50, DEEP // 2, *range(DEEP - 150, DEEP, 3), DEEP, 30_000])
@pytest.mark.parametrize("form", ["list", "object", "field", "escape"])
def test_deep_nesting_never_stops_a_worker(depth: int, form: str) -> None:
    """However deep, it is refused or set aside."""
    inner = b'"\\u0041"' if form == "escape" else b"1"
    opened, closed = (b'{"a":', b"}") if form == "object" else (b"[", b"]")
    text = opened * depth + inner + closed * depth
    if form == "field":
        text = b'{"amount":' + text + b"}"
    for command_type in (TYPE, "accounts.publish_policy.v1"):
        check_storable(
            read_command(
                record(text, headers={"ce_type": command_type.encode()}), "accounts", 10**6
            )
        )


def structured(event: Mapping[str, object] | bytes, key: bytes | None = b"A-1") -> Read:
    """Read one JSON object that holds envelope and data."""
    text = event if isinstance(event, bytes) else json.dumps(event).encode()
    headers = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
    return read_command(record(text, key=key, headers=headers), "accounts", BYTES_MAX)


EVENT = {
    "specversion": "1.0",
    "id": ID,
    "type": TYPE,
    "source": "test",
    "partitionkey": "A-1",
    "actor": "buyer:A-1",
    "data": TOP_UP,
}


def test_structured_mode_is_the_same_wish() -> None:
    """One JSON object, as most HTTP bridges write it."""
    binary = read(TOP_UP, headers={"ce_actor": b"buyer:A-1"})
    assert isinstance(binary, Message)
    message = structured(EVENT)
    assert isinstance(message, Message)
    assert message.refusal is None
    assert message.wishes == binary.wishes
    assert hash_of(message) == hash_of(binary)
    assert message.cause == binary.cause


@pytest.mark.parametrize(
    "event",
    [
        b"[]",
        b"{",
        b"null",
        b'"text"',
        b"[" * 20_000,
        json.dumps(EVENT | {"id": 7}).encode(),
        json.dumps(EVENT | {"id": None}).encode(),
        json.dumps(EVENT | {"type": ["a"]}).encode(),
        b'{"id": "' + ID.encode() + b'", "id": "' + ID.encode() + b'"}',
    ],
)
def test_a_structured_event_without_envelope_is_set_aside(event: bytes) -> None:
    """There is no id to answer to."""
    letter = structured(event)
    assert isinstance(letter, DeadLetter)
    check_storable(letter)


@pytest.mark.parametrize(
    "changes",
    [
        {"data": TOP_UP | {"bank_card": "\ud800"}},
        {"data": TOP_UP | {"bank_card": "\x00"}},
        {"data": TOP_UP | {"amount": {"minor": 10**30, "currency": "CNY"}}},
        {"data": TOP_UP | {"amount": {"minor": 12.0, "currency": "CNY"}}},
        {"data": None},
        {"data": 1e308},
        {"partitionkey": "\ud800"},
        {"partitionkey": "\ud800", "data": {}},
        {"actor": "buyer:\ud800"},
        {"actor": "\x00"},
        {"correlationid": "\ud800"},
        {"correlationid": "\x00"},
        {"specversion": "\ud800"},
        {"traceparent": "\ud800"},
        {"partitionkey": 7, "data": {}},
    ],
)
def test_a_broken_structured_event_is_refused_or_set_aside(changes: Mapping[str, object]) -> None:
    """JSON can say what headers cannot: it must not stop a worker either."""
    for key in (b"A-1", None):
        message = structured(EVENT | changes, key)
        assert (
            isinstance(message, DeadLetter)
            or message.refusal
            or changes.keys()
            <= {
                "traceparent",
                "partitionkey",
            }
        )
        check_storable(message)


@pytest.mark.parametrize("depth", [200, DEEP // 2, *range(DEEP - 150, DEEP, 3), DEEP, 20_000])
def test_a_deep_structured_event_never_stops_a_worker(depth: int) -> None:
    """Its data is written once more on the way."""
    data = b"[" * depth + b'"\\u0041"' + b"]" * depth
    text = json.dumps(EVENT | {"data": 0}).encode().replace(b'"data": 0', b'"data": ' + data)
    check_storable(structured(text))


@pytest.mark.parametrize(
    "text",
    [
        (
            b'{"top_up_id":"U-1","account_id":"A-1","amount":{"minor":100,"currency":"CNY"},'
            b'"bank_card":"card_ok"}'
        ),
        (
            b'{ "bank_card" :\t"card_ok" ,\r\n "amount":{"currency":"CNY","minor": 100 },\n'
            b' "account_id":"A-1","top_up_id":"U-1" } '
        ),
        (
            b'{"top_up_id":"\\u0055-1","account_id":"A\\u002d1",'
            b'"amount":{"minor":100,"currency":"CNY"},"bank_card":"card_ok"}'
        ),
    ],
)
def test_the_same_wish_in_other_bytes_is_the_same_body(text: bytes) -> None:
    """A retry through another library must not look like another wish."""
    assert hash_of(read(text)) == hash_of(read(TOP_UP))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (b'{"a":1}', b'{"a":1.0}', True),
        (b'{"a":1000}', b'{"a":1e3}', True),
        (b'{"a":0}', b'{"a":-0.0}', True),
        (b'{"a":1,"b":2}', b'{"b":2,"a":1}', True),
        (b'{"a":"\\/"}', b'{"a":"/"}', True),
        (b'{"a":9007199254740993}', b'{"a":9007199254740992}', True),
        (b'{"a":1}', b'{"a":"1"}', False),
        (b'{"a":null}', b"{}", False),
        (b'{"a":[1,2]}', b'{"a":[2,1]}', False),
        (b'{"a":"\\u00e9"}', b'{"a":"e\\u0301"}', False),
        (b'{"a":true}', b'{"a":1}', False),
        (b'{"a":"\\ud800"}', b'{"a":"\\ud801"}', False),
    ],
)
def test_bodies_of_refused_commands_are_compared_too(one: bytes, other: bytes, same: bool) -> None:
    """RFC 8785: numbers are doubles, keys have an order, texts stay as they are."""
    assert (hash_of(read(one)) == hash_of(read(other))) is same


@pytest.mark.parametrize(
    "headers", [{"ce_type": b"accounts.freeze_account.v1"}, {"ce_actor": b"buyer:A-2"}]
)
def test_type_and_actor_belong_to_the_body(headers: Mapping[str, bytes | None]) -> None:
    """The same data under the same id is another wish when another party says it."""
    base = {"ce_actor": b"buyer:A-1"}
    assert hash_of(read(TOP_UP, headers=base)) != hash_of(read(TOP_UP, headers=base | headers))


def test_what_does_not_belong_to_the_body_does_not_change_it() -> None:
    """A retry has another time, trace and correlation."""
    headers = {"ce_time": b"x", "ce_source": b"y", "ce_correlationid": b"z"}
    assert hash_of(read(TOP_UP)) == hash_of(read(TOP_UP, headers=headers))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None))
    | st.sampled_from(["A-1", "CNY", "card_ok"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=8) | st.sampled_from([*TOP_UP, "minor", "currency"]), inner
        )
    ),
    max_leaves=20,
)
header_names = st.sampled_from(
    [
        "ce_id",
        "ce_type",
        "ce_partitionkey",
        "ce_actor",
        "ce_correlationid",
        "ce_traceparent",
        "ce_specversion",
        "content-type",
    ]
)
header_values = st.binary(max_size=40) | st.sampled_from(
    [
        ID.encode(),
        TYPE.encode(),
        b"A-1",
        b"buyer:A-1",
        b"1.0",
        b"application/cloudevents+json",
        *(name.encode() for name in COMMANDS),
    ]
)


@given(
    value=st.none() | st.binary(max_size=200),
    key=st.none() | st.binary(max_size=20) | st.just(b"A-1"),
    headers=st.lists(st.tuples(header_names, header_values), max_size=8),
    service=st.sampled_from(sorted({service_of(name) for name in COMMANDS})),
)
@example(value=b"", key=b"", headers=[("ce_id", b"\xff")], service="accounts")
def test_arbitrary_bytes_are_read_without_an_exception(
    value: bytes | None, key: bytes | None, headers: list[tuple[str, bytes]], service: str
) -> None:
    """No sender can stop a worker."""
    message = read_command(record(value, key=key, headers=headers), service, BYTES_MAX)
    check_storable(message)


@given(
    data=json_values,
    command_type=st.sampled_from(sorted(COMMANDS)),
    changes=st.dictionaries(header_names.filter(lambda n: n != "ce_id"), header_values, max_size=3),
)
def test_arbitrary_json_is_answered_or_set_aside(
    data: object, command_type: str, changes: dict[str, bytes]
) -> None:
    """Whatever JSON says, its sender has an answer or an operator has the bytes."""
    text = json.dumps(data).encode()
    headers = {"ce_type": command_type.encode()} | changes
    message = read_command(record(text, headers=headers), service_of(command_type), BYTES_MAX)
    check_storable(message)


@given(json_values)
def test_arbitrary_structured_json_is_answered_or_set_aside(data: object) -> None:
    """The same for one JSON object around it all."""
    check_storable(structured(EVENT | {"data": data}))
    if isinstance(data, dict):
        check_storable(structured(EVENT | data))


@given(json_values, st.booleans())
def test_a_value_written_in_another_way_has_the_same_body(data: object, ascii_only: bool) -> None:
    """Whitespace, the order of keys and escapes say nothing."""
    one = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    reordered = _reversed_keys(data)
    other = json.dumps(reordered, indent=2, ensure_ascii=ascii_only)
    try:
        first, second = read(one.encode()), read(other.encode())
    except UnicodeEncodeError:
        return  # a lone surrogate can only be written as an escape
    assert isinstance(first, DeadLetter) == isinstance(second, DeadLetter)
    if isinstance(first, Message) and "\\ud" not in one:
        assert hash_of(first) == hash_of(second)


def _reversed_keys(value: object) -> object:
    if isinstance(value, dict):
        return {key: _reversed_keys(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return [_reversed_keys(inner) for inner in value]
    return value
