"""JSON is read quickly or strictly: nobody can tell which from what comes of it."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from danbao.kernel import canonical
from danbao.kernel.canonical import DuplicateKeyError, parse_json

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def outcome(read: object, value: bytes) -> tuple[str, str]:
    """What comes of reading: the value, with the types of its numbers, or the error."""
    assert callable(read)
    try:
        return "read", repr(read(value))
    except ValueError as error:
        return type(error).__name__, str(error)


def strictly(value: bytes) -> object:
    """Read with the decoder that looks at every object."""
    return canonical._decode_strictly(value.decode())


@given(VALUES, st.booleans(), st.booleans())
@example(-0.0, True, True)
@example(2**64, True, True)
@example("\ud800", True, True)
@example("\x00", True, True)
def test_json_is_read_as_the_strict_decoder_reads_it(
    value: object, is_compact: bool, is_ascii: bool
) -> None:
    """Compact or with spaces, escaped or not: the same value comes of it."""
    separators = (",", ":") if is_compact else None
    text = json.dumps(value, separators=separators, ensure_ascii=is_ascii)
    data = text.encode(errors="surrogatepass")

    assert outcome(strictly, data) == outcome(parse_json, data)


@pytest.mark.parametrize(
    "value",
    [b"", b"1 2", b"[1,]", b"NaN", b"[Infinity]", b'"\xed\xa0\x80"', b"\xef\xbb\xbf1", b"01", b"{"],
)
def test_what_is_no_json_is_said_in_the_strict_decoders_words(value: bytes) -> None:
    """A dead letter's detail does not depend on who read the record first."""
    assert outcome(strictly, value) == outcome(parse_json, value)


@pytest.mark.parametrize(
    "value", [b'{"a":1,"a":1}', b'[{"b":{"a":1,"a":2}}]', b'{"a":1,"\\u0061":1}']
)
def test_a_key_that_stands_twice_is_found_in_compact_json(value: bytes) -> None:
    """Two readers would see two wishes."""
    with pytest.raises(DuplicateKeyError):
        parse_json(value)
