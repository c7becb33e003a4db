"""A readable command is one wish, or is refused naming the field; never an exception.

An exception would stop the worker, and every restart would read the record again.
"""

import json
from collections.abc import Mapping

import pytest
from tests.unit.kernel.reading import (
    ID,
    TOP_UP,
    TYPE,
    read,
    refused_field,
    top_up,
)

from danbao.contracts.catalogue import COMMANDS
from danbao.kernel.messages import Message


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
