"""Arbitrary bytes and arbitrary JSON are answered or set aside."""

import json

from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.kernel.reading import (
    BYTES_MAX,
    EVENT,
    ID,
    TOP_UP,
    TYPE,
    check_storable,
    hash_of,
    read,
    record,
    structured,
)

from danbao.contracts.catalogue import COMMANDS, service_of
from danbao.kernel.commands import read_command
from danbao.kernel.messages import DeadLetter, Message

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
