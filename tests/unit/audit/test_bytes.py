"""The auditor's own canonical JSON, hashes and tree, held against other ways to make them."""

from __future__ import annotations

import hashlib
import json
from copy import copy
from datetime import UTC, datetime

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from tests.audit.canonical import NotCanonicalError, canonical, is_canonical, parse, string
from tests.audit.hashing import Tree, leaf_hash, microseconds, row_hash
from tests.unit.audit.figures import good_history

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_canonical_json_is_that_of_rfc_8785(value: object) -> None:
    """Another implementation of the RFC writes the same bytes."""
    assert canonical(value).encode() == rfc8785.dumps(value)  # type: ignore[arg-type]


@given(values)
def test_the_short_way_to_canonical_json_leads_to_the_same_place(value: object) -> None:
    """Whatever a text looks like, it is canonical exactly when the RFC writes it so."""
    try:
        wanted = canonical(json.loads(canonical(value)))
    except NotCanonicalError:
        return  # a whole double beyond 2^53 is read back as an integer beyond it
    for text in (wanted, json.dumps(value), json.dumps(value, separators=(",", ":"))):
        assert is_canonical(text, json.loads(text)) == (text == wanted)


@given(texts)
def test_strings_escape_nothing_but_what_they_must(text: str) -> None:
    """The standard library without ASCII escaping happens to agree with the RFC."""
    assert string(text) == json.dumps(text, ensure_ascii=False)


@pytest.mark.parametrize("value", [2**53, -(2**53), float("nan"), float("inf"), object()])
def test_what_a_double_cannot_hold_has_no_canonical_form(value: object) -> None:
    """Rather no answer than one that another reader reads differently."""
    with pytest.raises(NotCanonicalError):
        canonical(value)


def test_a_name_twice_is_refused() -> None:
    """Two readers could take different values."""
    with pytest.raises(ValueError, match="twice"):
        parse('{"a":1,"a":2}')


def test_a_row_hash_is_that_of_the_compact_array() -> None:
    """The eleven columns of the contract, in its order, and nothing else."""
    for row in good_history().rows:
        columns = [
            *(row.stream, row.version, row.type, row.schema_version, row.partition_key),
            *(row.event_id, row.causation_id, row.correlation_id, row.actor),
            *(row.data, row.postings),
        ]
        text = json.dumps(columns, ensure_ascii=False, separators=(",", ":"))
        assert row_hash(row) == hashlib.sha256(text.encode()).digest()


def test_a_leaf_hash_is_that_of_its_bytes() -> None:
    """0x00, shard, position and microseconds as big-endian int64, then the row hash."""
    row = copy(good_history().rows[0])
    row.shard, row.position = 2, 258
    row.recorded_at = datetime(1970, 1, 1, 0, 0, 1, 1, UTC)
    place = "00" + "0000000000000002" + "0000000000000102" + "00000000000f4241"
    wanted = hashlib.sha256(bytes.fromhex(place) + b"\xaa" * 32).digest()

    assert leaf_hash(row, b"\xaa" * 32) == wanted


@given(st.datetimes(timezones=st.just(UTC)))
def test_microseconds_are_exact(moment: datetime) -> None:
    """No float between the clock and the leaf."""
    whole = int(moment.replace(microsecond=0).timestamp())
    assert microseconds(moment) == whole * 1_000_000 + moment.microsecond


@pytest.mark.parametrize("size", range(34))
def test_the_tree_is_that_of_rfc_6962(size: int) -> None:
    """The edge kept leaf by leaf gives the root of the recursive definition."""
    leaves = [hashlib.sha256(bytes([n])).digest() for n in range(size)]
    tree = Tree()
    for leaf in leaves:
        tree.append(leaf)

    assert tree.root() == _root(leaves)


def _root(leaves: list[bytes]) -> bytes:
    """Work out MTH of RFC 6962, 2.1, over leaves that are hashes already."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + _root(leaves[:split]) + _root(leaves[split:])).digest()
