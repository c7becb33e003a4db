"""Rows of a read model in memory: what its table must hold, as its SQL would have made it.

The plain twin of the tables, for tests and for whoever verifies them.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

from danbao.readmodels.model import Change, Entry, Key, ReadModel, fold

Values: TypeAlias = tuple[object, ...]
"""The values of a row behind its key: sets, then adds."""


class Difference(NamedTuple):
    """A row that is not what it should be; None stands for a row that is not there."""

    key: Key
    expected: Values | None
    found: Values | None


class FoldedRows:
    """Folds entries, in the order of the log, into the rows of one read model."""

    def __init__(self, model: ReadModel) -> None:
        self.model = model
        self.position = 0
        """Of the last entry that was taken, or skipped as none of this model's."""
        self._sets: dict[Key, dict[str, object]] = {}
        self._adds: dict[Key, dict[str, int]] = {}

    def take(self, entries: Iterable[Entry]) -> None:
        """Fold further entries in."""
        self.apply(fold(change for entry in entries for change in self.model.project(entry)))

    def apply(self, changes: Mapping[Key, Change]) -> None:
        """Fold changes in that were folded before, one for each row."""
        for key, change in changes.items():
            sets = self._sets.setdefault(key, {})
            sets.update((name, value) for name, value in change.sets.items() if value is not None)
            adds = self._adds.setdefault(key, {})
            for column, amount in change.adds.items():
                adds[column] = adds.get(column, 0) + amount

    def keys(self) -> Iterable[Key]:
        """The keys of all rows."""
        return self._sets.keys()

    def row(self, key: Key) -> Values | None:
        """One row; None when no event made it."""
        sets = self._sets.get(key)
        if sets is None:
            return None
        adds = self._adds[key]
        return (
            *(sets.get(column) for column in self.model.sets),
            *(adds.get(column, 0) for column in self.model.adds),
        )

    def rows(self) -> dict[Key, Values]:
        """All rows by key."""
        return {key: row for key in self._sets if (row := self.row(key)) is not None}


def differences(folded: FoldedRows, found: Mapping[Key, Values]) -> list[Difference]:
    """Compare a whole table, by key, with what the log adds up to."""
    return [
        Difference(key, expected, row)
        for key in sorted({*folded.keys(), *found})
        if (expected := folded.row(key)) != (row := found.get(key))
    ]
