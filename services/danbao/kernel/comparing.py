"""Two builds of a read model, compared in slices: where does the new one differ from the old one?

Each slice is one short statement; whoever calls it sees to it that both tables stand at the same
position meanwhile.  Only columns that both have, of one type, are compared.
"""

from collections import Counter
from dataclasses import dataclass, field

import asyncpg
import msgspec

from danbao.kernel.sql import load_queries

Q = load_queries("danbao.kernel", "comparing.sql")
SLICE_KEYS = 5_000
"""Rows in one statement."""
EXAMPLES_MAX = 5


class Difference(msgspec.Struct):
    """What a new build has otherwise than the old one; counts are rows."""

    position: int = 0
    """At which the comparison ended; it began at most a few seconds before."""
    rows: int = 0
    only_old: int = 0
    only_new: int = 0
    changed: int = 0
    columns: dict[str, int] = {}
    """How many changed rows differ in a column; only those that do."""
    left_out: list[str] = []
    """Columns that only one of them has, or that are of another type."""
    examples: list[msgspec.Raw] = []
    """The first rows that differ: key, old and new, as JSON."""
    is_comparable: bool = True
    """False where their rows have other keys: nothing was compared."""

    @property
    def is_any(self) -> bool:
        """Whether a row differs."""
        return bool(self.only_old or self.only_new or self.changed)


@dataclass(slots=True)
class Comparison:
    """A comparison as far as it has come."""

    old: str
    new: str
    """Tables, with their schemas."""
    found: Difference = field(default_factory=Difference)
    is_done: bool = False
    slice_keys: int = SLICE_KEYS
    _last: list[str] | None = None
    _statements: asyncpg.Record | None = None
    _columns: Counter[str] = field(default_factory=Counter)

    async def step(self, connection: asyncpg.Connection, position: int) -> None:
        """Compare the next slice; both tables stand at `position`."""
        if self._statements is None:
            self._statements = await connection.fetchrow(Q["statements"], self.old, self.new)
        self.found.position = position
        if self._statements is None:
            self.found.is_comparable, self.is_done = False, True
            return
        self.found.left_out = self._statements["left_out"]
        bound = await connection.fetchval(self._statements["bound"], self._last, self.slice_keys)
        row = await connection.fetchrow(self._statements["slice"], self._last, bound)
        assert row is not None
        self._count(row)
        self._last, self.is_done = bound, bound is None

    def _count(self, row: asyncpg.Record) -> None:
        self.found.rows += row["rows"]
        self.found.only_old += row["only_old"]
        self.found.only_new += row["only_new"]
        self.found.changed += row["changed"]
        self._columns.update(msgspec.json.decode(row["columns"]))
        self.found.columns = {name: count for name, count in self._columns.items() if count}
        more = [msgspec.Raw(text.encode()) for text in row["examples"] or ()]
        self.found.examples = [*self.found.examples, *more][:EXAMPLES_MAX]
