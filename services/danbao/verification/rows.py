"""Verifying rows: everything about a row that follows from the row itself, and its leaf.

One task takes a stretch of positions that begins where a perfect node of the tree does, so that
stretches can be checked in any order, by several processes, and their trees joined afterwards.
"""

from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

import asyncpg
import msgspec

from danbao.contracts.catalogue import EVENTS
from danbao.contracts.chart import is_guarded
from danbao.contracts.ids import derived_id
from danbao.kernel.events import decode_event
from danbao.kernel.rows import postings_text
from danbao.kernel.sql import load_queries
from danbao.ledger.posting import movements
from danbao.ledger.rules import RULES, postings_of
from danbao.proofs.leaf import leaf_hash
from danbao.proofs.tree import Frontier
from danbao.verification.problems import Found
from danbao.verification.reading import reading

STRETCH = 1 << 15
"""Positions of one task: a power of two."""
SLICE_ROWS = 4_096
NO_LEAF = bytes(32)
"""Stands in the tree where a row is missing: no root with it was ever signed."""
Q = load_queries("danbao.verification", "verify.sql")

Account = tuple[str, str]
_encode = msgspec.json.Encoder().encode
_posting_types = frozenset(name for name, event in EVENTS.items() if event in RULES)


class Stretch(msgspec.Struct):
    """What became of the positions after `start` up to `end`."""

    start: int
    end: int
    found: Found
    nodes: list[bytes] = []
    """Frontier of its leaves."""
    marks: dict[int, list[bytes]] = {}
    """Frontiers of its first leaves, by the positions that were asked for."""
    moved: dict[Account, int] = {}
    """What its postings come to on guarded accounts."""
    first_micros: int | None = None
    last_micros: int | None = None


async def check_stretch(
    dsn: str, incarnation: UUID, start: int, end: int, marks: Sequence[int]
) -> Stretch:
    """Check the rows of a stretch; `marks` are positions in it at which something was signed."""
    checker = RowChecker(incarnation, start, end, set(marks))
    async with reading(dsn) as connection:
        await _read(connection, checker)
    return checker.finish()


async def _read(connection: asyncpg.Connection, checker: "RowChecker") -> None:
    stretch = checker.stretch
    for start in range(stretch.start, stretch.end, SLICE_ROWS):
        end = min(start + SLICE_ROWS, stretch.end)
        for row in await connection.fetch(Q["rows"], start, end):
            checker.take(tuple(row))


class RowChecker:
    """Takes the rows of a stretch in order."""

    def __init__(self, incarnation: UUID, start: int, end: int, marks: set[int]) -> None:
        self.stretch = Stretch(start, end, Found())
        self._namespace = incarnation.bytes
        self._marks = marks
        self._tree = Frontier()
        self._moved: Counter[Account] = Counter()
        self._next = start + 1
        self._micros = 0

    def take(self, row: Sequence[object]) -> None:
        """Check one row."""
        position: int = row[0]  # type: ignore[assignment]
        self._miss(position)
        micros: int = row[12]  # type: ignore[assignment]
        self._check_time(position, micros)
        hashed = sha256(_encode(tuple(row[1:12]))).digest()
        leaf = leaf_hash(0, position, micros, hashed)
        if hashed != row[13] or leaf != row[14]:
            self._report_hash(row, hashed, leaf)
        self._add(position, leaf)
        stream = row[1]
        if row[6] != derived_id(self._namespace, f"{stream}/{row[2]}"):
            detail = f"its id does not come from this log, {stream} and version {row[2]}"
            self.stretch.found.add("event_id_wrong", detail, position, str(stream))
        if row[11] is not None or row[3] in _posting_types:
            self._check_postings(position, str(row[1]), str(row[3]), str(row[10]), row[11])
        self.stretch.found.checked += 1

    def finish(self) -> Stretch:
        """Give what became of it; what is missing at the end is noted."""
        self._miss(self.stretch.end + 1)
        self.stretch.nodes = self._tree.nodes
        self.stretch.moved = dict(self._moved)
        return self.stretch

    def _miss(self, position: int) -> None:
        """Note positions that are missing before this one."""
        if position == self._next:
            return
        last = position - 1
        which = f"position {last}" if self._next == last else f"positions {self._next} to {last}"
        self.stretch.found.add("position_missing", f"{which}: no row", self._next)
        for missing in range(self._next, position):
            self._add(missing, NO_LEAF)

    def _add(self, position: int, leaf: bytes) -> None:
        self._tree.append(leaf)
        self._next = position + 1
        if position in self._marks:
            self.stretch.marks[position] = list(self._tree.nodes)

    def _check_time(self, position: int, micros: int) -> None:
        if micros < self._micros:
            self.stretch.found.add(
                "time_falls", "it was recorded before the one before it", position
            )
        if self.stretch.first_micros is None:
            self.stretch.first_micros = micros
        self._micros = self.stretch.last_micros = micros

    def _report_hash(self, row: Sequence[object], hashed: bytes, leaf: bytes) -> None:
        position, stream = row[0], str(row[1])
        assert isinstance(position, int)
        if hashed != row[13]:
            detail = "the row is not the one that was hashed"
            self.stretch.found.add("row_changed", detail, position, stream)
        elif leaf != row[14]:
            detail = "the leaf is not that of its row, position and time"
            self.stretch.found.add("leaf_changed", detail, position, stream)

    def _check_postings(
        self, position: int, stream: str, type_: str, data: str, stored: object
    ) -> None:
        found = self.stretch.found
        try:
            postings = postings_of(decode_event(type_, data))
        except (KeyError, msgspec.MsgspecError, AssertionError) as error:
            found.add("event_unreadable", f"{type_}: {error!r}"[:200], position, stream)
            return
        if stored != (postings_text(postings) if postings else None):
            found.add("postings_wrong", f"they are not those of {type_}", position, stream)
        for account, currency, change in movements(postings):
            if is_guarded(account):
                self._moved[account, currency] += change
