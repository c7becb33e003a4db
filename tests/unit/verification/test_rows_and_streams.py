"""What the checks of rows and of streams find in a market day, changed by somebody who knows it."""

import asyncio
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from uuid import UUID

import msgspec
import pytest
from tests.load.market import play_market

from danbao.kernel.memory.tables import Tables
from danbao.proofs.leaf import leaf_hash, micros_of
from danbao.proofs.tree import join_nodes, root_of
from danbao.verification.problems import Found
from danbao.verification.rows import RowChecker, Stretch
from danbao.verification.streams import StreamChecker

LOG = UUID("0058ec95-41e2-46bc-9048-02b39f6250ac")
AT = 40
Row = tuple[object, ...]


@cache
def day() -> Tables:
    """A day in memory."""
    return asyncio.run(play_market(10, 3, LOG))


def rows() -> list[Row]:
    """Its rows as the query gives them."""
    made: list[Row] = []
    for row, leaf in zip(day().log, day().leaves, strict=True):
        fields = msgspec.structs.astuple(row)
        middle = (*fields[2:11], row.data, row.postings)
        made.append(
            (row.position, *middle, micros_of(row.recorded_at), leaf.row_hash, leaf.leaf_hash)
        )
    return made


def hashed(row: Row) -> Row:
    """A row with its hashes computed anew."""
    made = sha256(msgspec.json.encode(row[1:12])).digest()
    assert isinstance(row[0], int)
    assert isinstance(row[12], int)
    return (*row[:13], made, leaf_hash(0, row[0], row[12], made))


def check(given: Sequence[Row]) -> Stretch:
    """Check a stretch of rows."""
    checker = RowChecker(LOG, 0, len(day().log), {AT})
    for row in given:
        checker.take(row)
    return checker.finish()


def changed(column: int, value: object, at: int = AT) -> list[Row]:
    """The rows with a column of one of them changed."""
    given = rows()
    row = given[at - 1]
    given[at - 1] = (*row[:column], value, *row[column + 1 :])
    return given


def codes(found: Found) -> list[tuple[str, int | None]]:
    """What was found where."""
    return [(each.code, each.position) for each in found.problems]


def test_rows_that_nobody_touched_are_good_and_come_to_the_root() -> None:
    """Also where something was signed in the middle."""
    found = check(rows())
    leaves = [leaf.leaf_hash for leaf in day().leaves]
    assert found.found == Found(checked=len(leaves))
    assert join_nodes(found.nodes) == root_of(leaves)
    assert join_nodes(found.marks[AT]) == root_of(leaves[:AT])
    assert found.moved == {key: value for key, value in day().balances.items() if value} | {
        key: 0 for key in found.moved if not found.moved[key]
    }


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        (5, "T-2", "row_changed"),
        (8, "another", "row_changed"),
        (9, "operator:eve", "row_changed"),
        (13, bytes(32), "row_changed"),
        (14, bytes(32), "leaf_changed"),
    ],
)
def test_a_changed_column_is_named(column: int, value: object, code: str) -> None:
    """The position is where somebody has to look."""
    assert codes(check(changed(column, value)).found) == [(code, AT)]


def test_a_version_hashed_again_has_another_id() -> None:
    """Ids are derived from the log's incarnation, its streams and versions."""
    given = changed(2, 99)
    given[AT - 1] = hashed(given[AT - 1])
    assert codes(check(given).found) == [("event_id_wrong", AT)]


def test_postings_hashed_again_follow_no_rule() -> None:
    """More money, less money, none, or some where there is none."""
    paid = next(row.position for row in day().log if row.postings is not None)
    free = next(row.position for row in day().log if row.postings is None)
    postings = day().log[paid - 1].postings
    assert postings is not None
    for at, text in (
        (paid, postings.replace('"minor":', '"minor":1')), (paid, None), (free, postings),
    ):  # fmt: skip
        given = changed(11, text, at)
        given[at - 1] = hashed(given[at - 1])
        assert codes(check(given).found) == [("postings_wrong", at)]


def test_missing_rows_are_named_wherever_they_were() -> None:
    """At the beginning, in the middle, several, and at the end."""
    end = len(day().log)
    for first, last in ((1, 1), (AT, AT), (AT, AT + 3), (end, end)):
        given = [row for row in rows() if not first <= row[0] <= last]  # type: ignore[operator]
        found = check(given)
        assert codes(found.found) == [("position_missing", first)]
        assert join_nodes(found.nodes) != root_of(leaf.leaf_hash for leaf in day().leaves)


def test_a_time_that_falls_is_named() -> None:
    """So that "as of a time" is a prefix of the log."""
    micros = rows()[AT - 1][12]
    assert isinstance(micros, int)
    given = changed(12, micros - 10**9)
    given[AT - 1] = hashed(given[AT - 1])
    assert codes(check(given).found) == [("time_falls", AT)]


States = dict[str, tuple[int, int, str | None]]


def states() -> States:
    """The cached states of the day."""
    return {
        name: (kept.version, kept.fold_version, kept.state) for name, kept in day().states.items()
    }


def check_streams(kept: States, *, without: int = 0) -> Found:
    """Fold the streams, and hold states against them."""
    checker = StreamChecker()
    for row in sorted(day().log, key=lambda each: (each.stream, each.version)):
        if row.position != without:
            checker.take(row.stream, row.version, row.type, row.data, row.position)
    checker.end()
    checker.compare([(name, *kept[name]) for name in sorted(kept)])
    return checker.found


def test_states_that_nobody_touched_are_good() -> None:
    """Every stream of the day, of every service."""
    assert check_streams(states()) == Found(checked=len(day().log))


def test_a_state_that_is_changed_missing_or_from_nowhere_is_named() -> None:
    """A cache that lies would pay out money that is not there."""
    name = next(stream for stream in day().states if stream.startswith("trade/"))
    version, fold_version, state = states()[name]
    assert state is not None
    for kept in (
        states() | {name: (version + 1, fold_version, state)},
        states() | {name: (version, fold_version, "{}")},
        states() | {name: (version, fold_version, state.replace("T", "X"))},
        {other: kept for other, kept in states().items() if other != name},
    ):
        assert [(p.code, p.stream) for p in check_streams(kept).problems] == [("state_wrong", name)]
    ghost = states() | {"trade/nowhere": (1, 1, "{}")}
    assert [p.stream for p in check_streams(ghost).problems] == ["trade/nowhere"]


def test_an_event_that_is_missing_in_its_stream_is_named_by_the_next() -> None:
    """Versions have no gaps."""
    row = next(each for each in day().log if each.stream.startswith("trade/") and each.version == 3)
    found = check_streams(states(), without=row.position)
    [after] = [r for r in day().log if r.stream == row.stream and r.version == 4]
    assert codes(found)[0] == ("version_wrong", after.position)
