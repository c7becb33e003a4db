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
    event: Event | None = None
    """None where no model asks for events of its type: then it is not decoded."""
    postings: tuple[Posting, ...] = ()
    """Empty where no model asks for postings."""


class Change(msgspec.Struct):
    """What happens to one row: columns that are set, and columns that are added to."""

    key: Key
    sets: dict[str, object] = {}
    adds: dict[str, int] = {}

    def merge(self, later: "Change") -> None:
        """Take a later change of the same row in; None sets nothing."""
        for column, value in later.sets.items():
            if value is not None:
                self.sets[column] = value
        for column, amount in later.adds.items():
            self.adds[column] = self.adds.get(column, 0) + amount


@dataclass(frozen=True, slots=True)
class ReadModel:
    """One version of a read model; its SQL is in a file beside it.

    The file has two queries, both about a table called `danbao_read.<name>`: `create`, and `write`,
    which takes one array for each column: key, sets, adds, in this order.
    Raise `version` when table or projection change: the engine builds the new version beside the
    live one and swaps them.  Keep the old one in `READ_MODELS` until then, so that it is kept up to
    date (docs/how-to/rebuild-a-read-model.md).
    """

    name: str
    version: int
    key: tuple[str, ...]
    sets: tuple[str, ...]
    """Columns that are set; those that a change leaves out, or sets to None, keep their value."""
    adds: tuple[str, ...]
    """Columns that are added to; they begin at 0."""
    project: Callable[[Entry], Iterable[Change]]
    events: tuple[type[Event], ...] = ()
    """The types of events it asks for."""
    postings: bool = False
    """Whether it asks for the postings of every event that has some."""
    sql: str = ""
    """Name of the SQL file; `<name>.sql` unless it says otherwise, as an old version does."""
    package: str = "danbao.readmodels"
    """Where the SQL file is."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that events write, keys first; others are worked out by Postgres."""
        return (*self.key, *self.sets, *self.adds)


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
