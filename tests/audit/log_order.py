"""The order of the log (reliability.md, I5; architecture.md, 5 and 6).

Checks: `log.position` (1..N without a gap in each shard), `log.head` (`log_heads` says N),
`log.version` (1..n in each stream), `log.time` (`recorded_at` never falls), `log.event_id`
(no event id twice), `log.rejection` (a refusal is version 1 of a stream of its own).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from .shapes import REJECTION

if TYPE_CHECKING:
    from datetime import datetime

    from .report import Report
    from .rows import Event, Head

REJECTION_STREAM: Final = re.compile(r"rejection/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class LogOrder:
    """Follows each shard and each stream from its first event."""

    def __init__(self, report: Report) -> None:
        """Start before the first row."""
        self._report = report
        self._positions: dict[int, int] = {}
        self._times: dict[int, datetime] = {}
        self._versions: dict[tuple[int, str], int] = {}
        self._event_ids: set[str] = set()

    def event(self, event: Event) -> None:
        """Take the next row of the log."""
        row, report = event.row, self._report
        wanted = self._positions.get(row.shard, 0) + 1
        if row.position != wanted:
            report.at(row, "log.position", f"position {wanted} of shard {row.shard}", row.position)
        self._positions[row.shard] = row.position
        stream = (row.shard, row.stream)
        wanted = self._versions.get(stream, 0) + 1
        if row.version != wanted:
            report.at(row, "log.version", f"version {wanted}", row.version)
        self._versions[stream] = row.version
        before = self._times.get(row.shard)
        if before is not None and row.recorded_at < before:
            report.at(row, "log.time", f"not before {before}", str(row.recorded_at))
        self._times[row.shard] = row.recorded_at
        if row.event_id in self._event_ids:
            report.at(row, "log.event_id", "an event id of its own", row.event_id)
        self._event_ids.add(row.event_id)
        if event.name == REJECTION or row.stream.startswith("rejection/"):
            self._rejection(event)

    def finish(self, heads: list[Head]) -> None:
        """Hold the last position of each shard against its head."""
        for head in heads:
            last = self._positions.pop(head.shard, 0)
            where = f"shard {head.shard}"
            if head.position != last:
                self._report.add(
                    "log.head",
                    f"{where}: rows up to the head, {head.position}",
                    last,
                    position=last,
                )
            time = self._times.get(head.shard)
            if time is not None and head.recorded_at is not None and head.recorded_at < time:
                self._report.add("log.head", f"{where}: not before {time}", head.recorded_at)
        for shard, last in self._positions.items():
            self._report.add("log.head", f"a head for shard {shard}", "none", position=last)

    def _rejection(self, event: Event) -> None:
        row = event.row
        if event.name != REJECTION:
            self._report.at(row, "log.rejection", "only refusals on rejection/", row.type)
        elif not REJECTION_STREAM.fullmatch(row.stream):
            self._report.at(row, "log.rejection", "rejection/<uuid>", row.stream)
        elif row.version != 1:
            self._report.at(row, "log.rejection", "version 1", row.version)
