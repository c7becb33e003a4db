"""How far each service has read, held against what the topics hold (reliability.md, I9).

Checks: `offsets.skipped` (each command below a stored offset is in the inbox or is a dead
letter; only a timer's, which may have had nothing left to do, is neither), `offsets.anchor`
(the record before a stored offset is the one that was handled last), `offsets.sequence` (and
its position the last one that was read), `offsets.beyond` (no offset lies behind the end of its
topic), `offsets.behind` (at rest nothing is left to read).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from .report import Report
    from .rows import Letter, Offset, Record

Lane = tuple[str, int]

COMMANDS: Final = ".commands"
STRUCTURED: Final = b"application/cloudevents+json"
TIMERS: Final = frozenset(
    {
        "escrow.time_out_payment.v1",
        "escrow.auto_confirm_receipt.v1",
        "escrow.auto_agree_refund.v1",
        "settlement.cut_off_window.v1",
        "channel.complete_order.v1",
    }
)
"""Commands of deadlines: one that comes when it is over leaves no trace."""


class Offsets:
    """Follows the records of each partition with the offsets of all its readers beside them."""

    def __init__(self, report: Report, offsets: Sequence[Offset], *, live: bool) -> None:
        """Take the offsets as they were before the inbox was read."""
        self._report = report
        self._live = live
        self._readers: dict[str, dict[str, dict[int, Offset]]] = {}
        for one in offsets:
            readers = self._readers.setdefault(one.topic, {})
            readers.setdefault(one.service, {})[one.partition] = one
        self._before: dict[tuple[str, str, int], Record] = {}

    def take(
        self, records: Sequence[Record], inbox: AbstractSet[str], letters: AbstractSet[Letter]
    ) -> None:
        """Look at a slice of records, in the order of each partition."""
        for record in records:
            for service, offsets in self._readers.get(record.topic, {}).items():
                offset = offsets.get(record.partition)
                if offset is None or record.offset >= offset.next_offset:
                    self._left(service, record, offset)
                    continue
                self._before[(service, record.topic, record.partition)] = record
                if record.topic.endswith(COMMANDS) and not _is_answered(record, inbox):
                    letter = (service, record.topic, record.partition, record.offset)
                    if letter not in letters:
                        found = f"{_header(record, 'ce_type')!r} {_header(record, 'ce_id')!r}"
                        self._told("offsets.skipped", service, record, "an outcome", found)

    def finish(self, ends: dict[Lane, int]) -> None:
        """Hold each offset against the last record below it, and against the topic's end."""
        for topic, readers in self._readers.items():
            for service, offsets in readers.items():
                for offset in offsets.values():
                    end = ends.get((topic, offset.partition), 0)
                    if offset.next_offset > end:
                        self._at("offsets.beyond", offset, f"at most {end}", offset.next_offset)
                    last = self._before.get((service, topic, offset.partition))
                    if last is not None:
                        self._last(offset, last)

    def _last(self, offset: Offset, last: Record) -> None:
        if offset.anchor_offset != last.offset:
            self._at("offsets.anchor", offset, last.offset, offset.anchor_offset)
        if not last.topic.endswith(COMMANDS):
            position = _header(last, "ce_sequence")
            if str(offset.last_sequence) != position:
                self._at("offsets.sequence", offset, position, offset.last_sequence)

    def _left(self, service: str, record: Record, offset: Offset | None) -> None:
        if not self._live:
            expected = "nothing unread" if offset is None else f"read up to {offset.next_offset}"
            self._told("offsets.behind", service, record, expected, "a record that was not read")

    def _told(
        self, check: str, service: str, record: Record, expected: object, found: object
    ) -> None:
        place = f"{service}: {record.topic}/{record.partition}@{record.offset}"
        self._report.add(check, expected, found, stream=place)

    def _at(self, check: str, offset: Offset, expected: object, found: object) -> None:
        place = f"{offset.service}: {offset.topic}/{offset.partition}"
        self._report.add(check, expected, found, stream=place)


def _is_answered(record: Record, inbox: AbstractSet[str]) -> bool:
    if _header(record, "ce_type") in TIMERS:
        return True
    try:
        return str(UUID(_id_of(record))) in inbox
    except ValueError:
        return False


def _id_of(record: Record) -> str:
    """Give a command's id; in structured mode it is part of the value."""
    if dict(record.headers).get("content-type") != STRUCTURED:
        return _header(record, "ce_id")
    try:
        event = json.loads(record.value or b"")
    except (ValueError, RecursionError):
        return ""
    return str(event.get("id", "")) if isinstance(event, dict) else ""


def _header(record: Record, name: str) -> str:
    return (dict(record.headers).get(name) or b"").decode(errors="replace")
