"""One JSON object that holds envelope and data is read as headers and value are."""

import json
from collections.abc import Mapping

import pytest
from tests.unit.kernel.reading import (
    DEEP,
    EVENT,
    ID,
    TOP_UP,
    check_storable,
    hash_of,
    read,
    structured,
)

from danbao.kernel.messages import DeadLetter, Message


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
