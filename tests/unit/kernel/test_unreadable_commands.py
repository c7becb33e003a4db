"""What cannot be read as a command is set aside, whatever bytes it is made of."""

from collections.abc import Mapping

import pytest
from tests.unit.kernel.reading import (
    BYTES_MAX,
    DEEP,
    ID,
    TOP_UP,
    TYPE,
    check_storable,
    read,
    record,
)

from danbao.kernel.commands import read_command
from danbao.kernel.messages import DeadLetter


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
