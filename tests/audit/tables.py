"""Where an audit reads from: a port, and an implementation in memory for its own tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from .rows import (
        Checkpoint,
        Head,
        InboxRow,
        Letter,
        Offset,
        ReadRow,
        Record,
        Row,
        Timer,
    )

MODEL_KEYS: Final = {
    "trades": ("trade_id",),
    "payments": ("payment_id",),
    "account_balances": ("account", "currency"),
    "merchant_statement": ("merchant", "currency"),
    "settlement_windows": ("window_id",),
    "command_outcomes": ("command_id",),
}
"""The read models of the contract that an audit can know, by what names a row."""


class Tables(Protocol):
    """Raw rows of the log, the inbox and the read models, in slices."""

    async def heads(self) -> list[Head]:
        """Return how far each shard is written; later rows are not part of the audit."""

    async def checkpoints(self) -> list[Checkpoint]:
        """Return the recorded tree roots, none when there is no such table."""

    def log(self) -> AsyncIterator[Sequence[Row]]:
        """Yield the log by shard and position."""

    async def at(self, shard: int, positions: Sequence[int]) -> dict[int, Row]:
        """Return the rows at some positions."""

    def inbox(self) -> AsyncIterator[Sequence[InboxRow]]:
        """Yield the inbox, in any order."""

    def model(self, name: str) -> AsyncIterator[Sequence[ReadRow]]:
        """Yield a read model, in any order."""

    async def offsets(self) -> list[Offset]:
        """Return how far each service has read."""

    async def letters(self) -> set[Letter]:
        """Return the places of all dead letters."""

    async def timers(self) -> list[Timer]:
        """Return the deadlines that run."""

    async def now(self) -> datetime:
        """Return the engine's time, moved as that of a sandbox is."""


class Topics(Protocol):
    """Raw records of the topics, read committed, each partition in its order."""

    def records(self) -> AsyncIterator[Sequence[Record]]:
        """Yield every event from the beginning to the end offsets at the start."""

    def commands(self) -> AsyncIterator[Sequence[Record]]:
        """Yield every command that is still kept, up to the end offsets at the start."""

    async def ends(self) -> dict[tuple[str, int], int]:
        """Return the end offset of every partition that was read."""


EPOCH: Final = datetime.fromtimestamp(0, UTC)


@dataclass(slots=True)
class MemoryTables:
    """Tables in memory."""

    rows: list[Row] = field(default_factory=list)
    log_heads: list[Head] = field(default_factory=list)
    log_checkpoints: list[Checkpoint] = field(default_factory=list)
    inbox_rows: list[InboxRow] = field(default_factory=list)
    models: dict[str, list[ReadRow]] = field(default_factory=dict)
    read_offsets: list[Offset] = field(default_factory=list)
    dead_letters: set[Letter] = field(default_factory=set)
    running: list[Timer] = field(default_factory=list)
    clock: datetime = EPOCH

    async def heads(self) -> list[Head]:
        """Return the heads as they are."""
        return self.log_heads

    async def checkpoints(self) -> list[Checkpoint]:
        """Return the checkpoints as they are."""
        return self.log_checkpoints

    async def log(self) -> AsyncIterator[Sequence[Row]]:
        """Yield all rows as one slice, in the order they have: a swap stays visible."""
        yield self.rows

    async def at(self, shard: int, positions: Sequence[int]) -> dict[int, Row]:
        """Return the rows at some positions."""
        wanted = set(positions)
        rows = (row for row in self.rows if row.shard == shard and row.position in wanted)
        return {row.position: row for row in rows}

    async def inbox(self) -> AsyncIterator[Sequence[InboxRow]]:
        """Yield all rows as one slice."""
        yield self.inbox_rows

    async def model(self, name: str) -> AsyncIterator[Sequence[ReadRow]]:
        """Yield all rows as one slice."""
        yield self.models.get(name, [])

    async def offsets(self) -> list[Offset]:
        """Return the offsets as they are."""
        return self.read_offsets

    async def letters(self) -> set[Letter]:
        """Return the dead letters as they are."""
        return self.dead_letters

    async def timers(self) -> list[Timer]:
        """Return the timers as they are."""
        return self.running

    async def now(self) -> datetime:
        """Return the time that was set."""
        return self.clock


@dataclass(slots=True)
class MemoryTopics:
    """Topics in memory."""

    kept: list[Record] = field(default_factory=list)
    sent: list[Record] = field(default_factory=list)

    async def records(self) -> AsyncIterator[Sequence[Record]]:
        """Yield all events as one slice."""
        yield self.kept

    async def commands(self) -> AsyncIterator[Sequence[Record]]:
        """Yield all commands as one slice."""
        yield self.sent

    async def ends(self) -> dict[tuple[str, int], int]:
        """Return what follows the last record of each partition."""
        ends: dict[tuple[str, int], int] = {}
        for one in (*self.kept, *self.sent):
            lane = (one.topic, one.partition)
            ends[lane] = max(ends.get(lane, 0), one.offset + 1)
        return ends
