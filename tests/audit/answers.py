"""One answer for each command, one cause for each event (contract.md, "Answers", "Envelope").

Checks while the log is read:
`cause.known` (an event is caused by a command of the inbox or by an earlier event),
`cause.flow` (it carries the partition key of its cause, and in a chain the correlation id),
`cause.once` (an event causes no second event of one type on one stream),
`answers.block` (the events caused by a command lie together, those of a refusal alone),
`answers.refusal` (a refusal names the command that caused it).
And then, for each row of the inbox:
`answers.missing`, `answers.place` (first and last position are those of its block),
`answers.flow` (its events are of its service and carry its partition key),
`answers.body_hash`, `answers.body` (canonical JSON of type, partitionkey, actor, data),
`answers.once` (one row an id).
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from .canonical import NotCanonicalError, canonical, is_canonical, parse
from .shapes import REJECTION, REUSED

if TYPE_CHECKING:
    from .report import Report
    from .rows import Event, InboxRow

BODY_FIELDS: Final = {"type", "partitionkey", "actor", "data"}


@dataclass(slots=True)
class Block:
    """The events that one command caused, but for refusals of other bodies of its id."""

    first: int
    last: int
    service: str
    partition_key: str
    code: str | None
    is_seen: bool = False


@dataclass(slots=True)
class Cause:
    """An event that others may name as their cause."""

    position: int
    partition_key: str
    correlation_id: str | None


class Answers:
    """Follows causes through the log, then looks at each row of the inbox."""

    def __init__(self, report: Report) -> None:
        """Start with no event known."""
        self._report = report
        self._events: dict[str, Cause] = {}
        self._caused: set[tuple[int, str, str]] = set()
        self._reused: list[tuple[str, int, str]] = []
        self.inbox_ids: set[str] = set()
        self.blocks: dict[str, Block] = {}
        self.reused_ids: set[str] = set()

    def event(self, event: Event) -> None:
        """Take the next row of the log."""
        row = event.row
        origin = None if row.causation_id is None else self._events.get(row.causation_id)
        if row.causation_id is None:
            self._report.at(row, "cause.known", "a causation id", "null")
        elif origin is None:
            self._by_command(event, row.causation_id)
        else:
            self._by_event(event, origin)
        self._events[row.event_id] = Cause(row.position, row.partition_key, row.correlation_id)

    def _by_event(self, event: Event, origin: Cause) -> None:
        row = event.row
        wanted = (origin.partition_key, origin.correlation_id)
        if (row.partition_key, row.correlation_id) != wanted:
            found = (row.partition_key, row.correlation_id)
            self._report.at(row, "cause.flow", f"{wanted} of its cause", found)
        effect = (origin.position, row.stream, row.type)
        if effect in self._caused:
            expected = f"one {row.type} caused by position {origin.position}"
            self._report.at(row, "cause.once", expected, "another")
        self._caused.add(effect)

    def _by_command(self, event: Event, command_id: str) -> None:
        row = event.row
        code = None
        if event.name == REJECTION and event.sound:
            code = event.facts["code"]
            if event.facts["command_id"] != command_id:
                named = event.facts["command_id"]
                self._report.at(row, "answers.refusal", f"command_id {command_id}", named)
            if code == REUSED:
                self.reused_ids.add(command_id)
                self._reused.append((command_id, row.position, row.stream))
                return
        block = self.blocks.get(command_id)
        if block is None:
            self.blocks[command_id] = Block(
                row.position, row.position, event.service, row.partition_key, code
            )
            return
        if row.position != block.last + 1 or code is not None or block.code is not None:
            expected = f"one answer of {command_id}, which ended at {block.last}"
            self._report.at(row, "answers.block", expected, row.type)
        if (event.service, row.partition_key) != (block.service, block.partition_key):
            wanted = (block.service, block.partition_key)
            self._report.at(row, "answers.flow", wanted, (event.service, row.partition_key))
        block.last = row.position

    def inbox(self, row: InboxRow) -> None:
        """Hold one row of the inbox against the block of its id."""
        if row.message_id in self.inbox_ids:
            self._told("answers.once", row, "one row an id", "another")
        self.inbox_ids.add(row.message_id)
        block = self.blocks.get(row.message_id)
        if block is None:
            place = f"none; the inbox says {row.first_position} to {row.last_position}"
            self._told("answers.missing", row, "an answer in the log", place)
        else:
            block.is_seen = True
            if (row.first_position, row.last_position) != (block.first, block.last):
                found = f"{row.first_position} to {row.last_position}"
                self._told("answers.place", row, f"{block.first} to {block.last}", found)
            if (row.service, row.partition_key) != (block.service, block.partition_key):
                found = f"{block.service}, {block.partition_key}"
                self._told("answers.flow", row, f"{row.service}, {row.partition_key}", found)
        if sha256(row.body.encode()).digest() != row.body_sha256:
            self._told("answers.body_hash", row, "SHA-256 of the body", row.body_sha256.hex())
        fault = _body_fault(row)
        if fault:
            self._told("answers.body", row, "type, partitionkey, actor, data, canonical", fault)

    def finish(self) -> None:
        """Report answers to nothing: events whose cause is neither command nor event."""
        for command_id, block in self.blocks.items():
            if not block.is_seen:
                self._report.add(
                    "cause.known", "a command or an earlier event", command_id, position=block.first
                )
        for command_id, position, stream in self._reused:
            first = self.blocks.get(command_id)
            if first is None or first.first > position:
                self._report.add(
                    "answers.refusal",
                    f"{command_id} answered before its reuse is refused",
                    "no earlier answer",
                    position=position,
                    stream=stream,
                )

    def _told(self, check: str, row: InboxRow, expected: object, found: object) -> None:
        place = f"inbox/{row.message_id}"
        self._report.add(check, expected, found, position=row.first_position, stream=place)


def _body_fault(row: InboxRow) -> str:
    """Say why a body is not the canonical JSON of what was sent, or nothing."""
    try:
        body: Any = parse(row.body)
        if not isinstance(body, dict) or body.keys() != BODY_FIELDS:
            return row.body
        if not is_canonical(row.body, body):
            return f"{row.body}, not {canonical(body)}"
    except NotCanonicalError:
        return ""  # numbers beyond 2^53 have no canonical form; the contract is silent on them
    except ValueError as error:
        return str(error)
    sent = (body["type"], body["partitionkey"], body["actor"])
    columns = (row.type, row.partition_key, row.actor)
    return "" if sent == columns else f"{sent} beside the columns {columns}"
