"""The shape of a read model: a pure function from an event of the log to changes of rows.

A change sets columns and adds to columns of one row; the changes of many events to one row are
folded into one before they are written.  Sums are right because rows and checkpoint commit
together: each event is applied exactly once.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import msgspec

from danbao.contracts.message import Event
from danbao.ledger.posting import Posting

Key: TypeAlias = tuple[str, ...]


class Entry(msgspec.Struct, frozen=True):
    """An event of the log, as read models see it."""

    position: int
    recorded_at: datetime
    event: Event
    postings: tuple[Posting, ...]


class Change(msgspec.Struct):
    """What happens to one row: columns that are set, and columns that are added to."""

    key: Key
    sets: dict[str, object] = {}
    adds: dict[str, int] = {}

    def merge(self, later: "Change") -> None:
        """Take a later change of the same row in."""
        self.sets.update(later.sets)
        for column, amount in later.adds.items():
            self.adds[column] = self.adds.get(column, 0) + amount


@dataclass(frozen=True, slots=True)
class ReadModel:
    """A table of `danbao_read`; its SQL is in `<name>.sql` beside it.

    The query `write` takes one array for each column: key, sets, adds, in this order.
    Raise `version` when table or projection change: the next start makes the table anew.
    """

    name: str
    version: int
    key: tuple[str, ...]
    sets: tuple[str, ...]
    """Columns that are set; those that a change leaves out keep their value."""
    adds: tuple[str, ...]
    """Columns that are added to."""
    project: Callable[[Entry], Iterable[Change]]


def fold(changes: Iterable[Change]) -> dict[Key, Change]:
    """One change for each row."""
    folded: dict[Key, Change] = {}
    for change in changes:
        known = folded.get(change.key)
        if known is None:
            folded[change.key] = change
        else:
            known.merge(change)
    return folded
