"""Where an audit reads from: a port, and an implementation in memory for its own tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from .rows import Checkpoint, Head, InboxRow, ReadRow, Record, Row

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


class Topics(Protocol):
    """Raw records of the events topics, read committed, each partition in its order."""

    def records(self) -> AsyncIterator[Sequence[Record]]:
        """Yield every record from the beginning to the end offsets at the start."""


@dataclass(slots=True)
class MemoryTables:
    """Tables in memory."""

    rows: list[Row] = field(default_factory=list)
    log_heads: list[Head] = field(default_factory=list)
    log_checkpoints: list[Checkpoint] = field(default_factory=list)
    inbox_rows: list[InboxRow] = field(default_factory=list)
    models: dict[str, list[ReadRow]] = field(default_factory=dict)

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


@dataclass(slots=True)
class MemoryTopics:
    """Topics in memory."""

    kept: list[Record] = field(default_factory=list)

    async def records(self) -> AsyncIterator[Sequence[Record]]:
        """Yield all records as one slice."""
        yield self.kept
