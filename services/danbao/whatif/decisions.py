"""Decisions as the log has them: the events that answer one command, or follow one reaction.

The events of a decision lie side by side and have one cause.  For a command the inbox says which
they are; those of a reaction end where cause or service change.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from danbao.contracts.catalogue import service_of
from danbao.kernel.messages import LogRow


@dataclass(frozen=True, slots=True)
class KeptCommand:
    """A command in the inbox: its body, and where its answer lies."""

    type: str
    body: str
    sha256: bytes
    first_position: int
    last_position: int


@dataclass(frozen=True, slots=True)
class Entry:
    """An event of the log, when it was decided, and the command that it answers, if it does."""

    row: LogRow
    decided_at: datetime
    command: KeptCommand | None = None


@dataclass(slots=True)
class Decision:
    """What was decided at once about one command or reaction."""

    rows: list[LogRow]
    decided_at: datetime
    command: KeptCommand | None
    is_asked: bool = True
    """False for one that began before the stretch: it is only passed by."""
    service: str = field(init=False)
    """Who decided."""

    def __post_init__(self) -> None:
        """Tell the service by the first event."""
        self.service = service_of(self.rows[0].type)

    def is_of(self, entry: Entry) -> bool:
        """Tell whether an event that follows belongs to it."""
        command, row = self.command, entry.row
        if command is not None:
            return row.position <= command.last_position
        last = self.rows[-1]
        return (
            entry.command is None
            and row.causation_id == last.causation_id
            and service_of(row.type) == self.service
            and not row.stream.startswith("rejection/")
        )


@dataclass(slots=True)
class Grouping:
    """Cuts the log into decisions, slice after slice; the last one may go on in the next."""

    before: Entry | None
    """The event before the stretch: what belongs to its decision is passed by."""
    _open: Decision | None = None
    _is_begun: bool = field(default=False)

    def add(self, entries: Sequence[Entry]) -> Iterator[Decision]:
        """Take a slice; gives the decisions that ended in it."""
        for entry in entries:
            if self._open is not None and self._open.is_of(entry):
                self._open.rows.append(entry.row)
                continue
            if self._open is not None:
                yield self._open
            self._open = self._begin(entry)

    def end(self) -> Iterator[Decision]:
        """Give the last decision: nothing more belongs to it."""
        if self._open is not None:
            yield self._open
            self._open = None

    def is_complete(self, next_entry: Entry) -> bool:
        """Tell whether the event after the stretch belongs to another decision."""
        return self._open is None or not self._open.is_of(next_entry)

    def _begin(self, entry: Entry) -> Decision:
        decision = Decision([entry.row], entry.decided_at, entry.command)
        if not self._is_begun:
            self._is_begun = True
            before = self.before
            if before is not None:
                earlier = Decision([before.row], before.decided_at, before.command)
                decision.is_asked = not earlier.is_of(entry)
        return decision
