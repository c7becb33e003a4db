"""Rows of a read model in memory: the oracle of its table."""

from danbao.readmodels.model import Change, ReadModel, fold
from danbao.readmodels.rows import Difference, FoldedRows, differences

MODEL = ReadModel("boxes", 1, ("box",), ("colour", "owner"), ("count",), lambda _: ())


def folded(*changes: Change) -> FoldedRows:
    rows = FoldedRows(MODEL)
    for change in changes:
        rows.apply(fold([change]))
    return rows


def test_later_values_win_and_sums_are_added() -> None:
    """A row says what its events add up to."""
    rows = folded(
        Change(("a",), {"colour": "red", "owner": "B-1"}, {"count": 2}),
        Change(("a",), {"colour": "blue"}, {"count": -1}),
    )
    assert rows.rows() == {("a",): ("blue", "B-1", 1)}


def test_none_leaves_a_column_as_it_is() -> None:
    """As the SQL does, whether changes are folded before or not."""
    first, second = Change(("a",), {"colour": "red"}), Change(("a",), {"colour": None})
    assert folded(first, second).row(("a",)) == ("red", None, 0)
    rows = FoldedRows(MODEL)
    rows.apply(fold([Change(("a",), {"colour": "red"}), second]))
    assert rows.row(("a",)) == ("red", None, 0)


def test_rows_that_are_wrong_lacking_or_too_many_are_named() -> None:
    """An auditor is told which row, and what it should be."""
    rows = folded(*(Change((key,), {"colour": "red"}) for key in "abc"))
    right = ("red", None, 0)
    found = {("a",): right, ("b",): ("blue", None, 0), ("d",): right}
    assert differences(rows, found) == [
        Difference(("b",), right, ("blue", None, 0)),
        Difference(("c",), right, None),
        Difference(("d",), None, right),
    ]
