"""The store's tables in memory, and the changes of one transaction before they are committed.

What the migrations promise holds here too: the log has no gaps and is only ever appended to,
(stream, version) and command ids are unique, and guarded balances stay above their floor.
"""

from asyncio import Event
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Generic, NamedTuple, TypeAlias, TypeVar
from uuid import UUID

from danbao.kernel.loaded import Account
from danbao.kernel.memory.locks import Locks
from danbao.kernel.messages import (
    Answer,
    DeadLetter,
    LogRow,
    Offset,
    StoredStream,
    TimerRow,
    TopicPartition,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INCARNATION = UUID("00000000-0000-4000-8000-000000000000")
"""Which log this is, unless told otherwise: two runs of the same work make the same ids."""
SHARD = 0

LetterKey: TypeAlias = tuple[str, TopicPartition, int]
"""(service, place, offset): a record is set aside once."""

Key = TypeVar("Key")
Value = TypeVar("Value")


class StoredAnswer(NamedTuple):
    """An inbox row: which command, and where in the log its answer lies."""

    service: str
    answer: Answer
    first_position: int
    last_position: int


class StoredLetter(NamedTuple):
    """A dead letter with the time it was set aside, and what became of it."""

    id: int
    letter: DeadLetter
    received_at: datetime
    state: str = "waiting"
    tries: int = 0

    @property
    def is_settled(self) -> bool:
        """Nothing is left to do about it."""
        return self.state in {"retried", "discarded"}


class DecisionTime(NamedTuple):
    """When a batch decided, where that is not when it was recorded."""

    first_position: int
    last_position: int
    decided_at: datetime


class Leaf(NamedTuple):
    """The two hashes of a log row."""

    row_hash: bytes
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class Lease:
    """Who publishes the log until when, and how far it certainly got."""

    owner: str = ""
    until: datetime = EPOCH
    confirmed: int = 0


@dataclass(slots=True)
class Tables:
    """All that is committed; shared by every MemoryStore that is opened on it."""

    incarnation: UUID = INCARNATION
    log: list[LogRow] = field(default_factory=list)
    leaves: list[Leaf] = field(default_factory=list)
    decision_times: list[DecisionTime] = field(default_factory=list)
    streams: dict[str, list[LogRow]] = field(default_factory=dict)
    recorded_at: datetime = EPOCH
    states: dict[str, StoredStream] = field(default_factory=dict)
    facts: dict[str, str | None] = field(default_factory=dict)
    balances: dict[Account, int] = field(default_factory=dict)
    inbox: dict[str, StoredAnswer] = field(default_factory=dict)
    offsets: dict[tuple[str, TopicPartition], Offset] = field(default_factory=dict)
    timers: dict[str, TimerRow] = field(default_factory=dict)
    letters: dict[LetterKey, StoredLetter] = field(default_factory=dict)
    lease: Lease = field(default_factory=Lease)
    letter_ids: Iterator[int] = field(default_factory=partial(count, 1))
    locks: Locks = field(default_factory=Locks)
    followers: dict[Event, None] = field(default_factory=dict)
    """Who is told of news, in the order in which they asked."""

    @property
    def position(self) -> int:
        """The log's last position."""
        return len(self.log)

    def has_version(self, stream: str, version: int) -> bool:
        """Tell whether the stream has an event of this version."""
        rows = self.streams.get(stream)
        if not rows or version > rows[-1].version:
            return False
        return any(row.version == version for row in rows)


class Overlay(Generic[Key, Value]):
    """A table as one transaction sees it: its own changes over what is committed."""

    def __init__(self, base: dict[Key, Value]) -> None:
        """Change nothing yet."""
        self._base = base
        self.put: dict[Key, Value] = {}
        """Rows inserted or replaced, as they are now."""
        self._removed: set[Key] = set()

    def __contains__(self, key: Key) -> bool:
        """Tell whether there is such a row."""
        return key in self.put or (key in self._base and key not in self._removed)

    def __getitem__(self, key: Key) -> Value:
        """Give a row.

        Raises:
            KeyError: there is none.
        """
        if key not in self:
            raise KeyError(key)
        return self.put[key] if key in self.put else self._base[key]

    def __setitem__(self, key: Key, value: Value) -> None:
        """Insert or replace a row."""
        self.put[key] = value

    def get(self, key: Key) -> Value | None:
        """Give a row, or None."""
        if key in self.put:
            return self.put[key]
        return None if key in self._removed else self._base.get(key)

    def remove(self, key: Key) -> None:
        """Delete a row if it is there."""
        self.put.pop(key, None)
        self._removed.add(key)

    def commit(self) -> None:
        """Make the changes what is so for everybody."""
        for key in self._removed:
            self._base.pop(key, None)
        self._base.update(self.put)


class Changes:
    """What one transaction has changed so far; nobody else sees it before `commit`."""

    def __init__(self, tables: Tables) -> None:
        """Change nothing yet."""
        self._tables = tables
        self.rows: list[LogRow] = []
        self.leaves: list[Leaf] = []
        self.decision_times: list[DecisionTime] = []
        self.states = Overlay(tables.states)
        self.facts = Overlay(tables.facts)
        self.balances = Overlay(tables.balances)
        self.inbox = Overlay(tables.inbox)
        self.offsets = Overlay(tables.offsets)
        self.timers = Overlay(tables.timers)
        self.letters = Overlay(tables.letters)

    def note_time(self, base: int, count: int, decided: datetime, recorded: datetime) -> None:
        """Keep when rows were decided, if they are recorded as of another time."""
        if decided != recorded:
            self.decision_times.append(DecisionTime(base + 1, base + count, decided))

    def commit(self) -> None:
        """Apply all changes at once."""
        tables = self._tables
        for overlay in self._overlays():
            overlay.commit()
        tables.log.extend(self.rows)
        tables.leaves.extend(self.leaves)
        tables.decision_times.extend(self.decision_times)
        for row in self.rows:
            tables.streams.setdefault(row.stream, []).append(row)
            tables.recorded_at = row.recorded_at
        if self.rows:
            for news in tables.followers:
                news.set()

    def _overlays(self) -> Iterator[Overlay[object, object]]:
        for value in vars(self).values():
            if isinstance(value, Overlay):
                yield value
