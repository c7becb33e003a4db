"""The same wish in other bytes has the same body; another wish has not."""

from collections.abc import Mapping

import pytest
from tests.unit.kernel.reading import TOP_UP, hash_of, read


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
