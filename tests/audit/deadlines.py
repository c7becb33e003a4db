"""The deadlines of trades: none fires early, twice or never (contract.md; reliability.md, I10).

Checks: `timers.early` (what a deadline's command did, it did when the deadline had come),
`timers.cause` (what only a deadline may do, its command did), and at rest `timers.running` (the
timers that wait are those that the log says), `timers.overdue` (none of them has come).
That one does its work once follows from `answers.block` and from the states of trades.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .report import Report
    from .rows import Event, InboxRow, Row, Timer

PAY: Final = "escrow.time_out_payment.v1"
CONFIRM: Final = "escrow.auto_confirm_receipt.v1"
AGREE: Final = "escrow.auto_agree_refund.v1"
FIELDS: Final = {PAY: "pay_by", CONFIRM: "auto_confirm_at", AGREE: "agree_by"}
LATE: Final = timedelta(seconds=30)
"""The scheduler looks twice a second; what is still there after this was forgotten."""


@dataclass(slots=True)
class Running:
    """The deadlines of one trade by the command they send; one that is paused is left out."""

    due: dict[str, datetime] = field(default_factory=dict)


@dataclass(slots=True)
class Fired:
    """An event that a deadline may have caused, and the deadlines that ran when it happened."""

    row: Row
    due: dict[str, datetime]
    needs: str
    """The command that alone may cause it; empty when others may too."""
    is_by_timer: bool = False


class Deadlines:
    """Folds the deadlines of trades beside the log."""

    def __init__(self, report: Report) -> None:
        """Start with no trade."""
        self._report = report
        self._trades: dict[str, Running] = {}
        self._fired: dict[str, Fired] = {}

    def event(self, event: Event) -> None:
        """Take the next row of the log."""
        row = event.row
        if not event.sound or not row.stream.startswith("trade/") or event.service != "escrow":
            return
        trade = self._trades.setdefault(row.stream, Running())
        needs = _needs(event)
        if row.causation_id is not None and row.causation_id not in self._fired:
            self._fired[row.causation_id] = Fired(row, dict(trade.due), needs)
        self._move(trade.due, event)

    def inbox(self, row: InboxRow) -> None:
        """Hold what a deadline's command did against the deadline."""
        fired = self._fired.get(row.message_id)
        if fired is None or row.type not in FIELDS:
            return
        fired.is_by_timer = row.type == fired.needs
        due = fired.due.get(row.type)
        if due is None or fired.row.recorded_at < due:
            wanted = "no deadline ran" if due is None else f"not before {due.isoformat()}"
            at = fired.row.recorded_at.isoformat()
            self._report.at(fired.row, "timers.early", wanted, f"{row.type} at {at}")

    def finish(self) -> None:
        """Report what only a deadline may do and something else did."""
        for cause, fired in self._fired.items():
            if fired.needs and not fired.is_by_timer:
                self._report.at(fired.row, "timers.cause", f"caused by {fired.needs}", cause)

    def finish_at_rest(self, timers: Sequence[Timer], now: datetime) -> None:
        """Hold the timers that wait against those of the log, and against the engine's clock."""
        waiting = {(t.stream, t.type): t.due_at for t in timers if t.stream.startswith("trade/")}
        wanted = {
            (stream, command): due
            for stream, trade in self._trades.items()
            for command, due in trade.due.items()
        }
        for stream, command in sorted(waiting.keys() | wanted.keys()):
            due, found = wanted.get((stream, command)), waiting.get((stream, command))
            if due != found:
                self._report.add("timers.running", _told(due), _told(found), stream=stream)
        for timer in timers:
            if timer.due_at < now - LATE:
                found = f"{timer.type} since {timer.due_at.isoformat()}"
                self._report.add("timers.overdue", "none overdue", found, stream=timer.stream)

    def _move(self, due: dict[str, datetime], event: Event) -> None:
        """Let deadlines begin, stand still and end, as an event says."""
        match event.name:
            case "trade_created.v1":
                self._run(due, event, PAY)
            case "trade_funded.v1":
                due.pop(PAY, None)
            case "trade_shipped.v1" | "receipt_extended.v1":
                self._run(due, event, CONFIRM)
            case "refund_applied.v1":
                due.pop(CONFIRM, None)
                self._run(due, event, AGREE)
            case "trade_refunded.v1" | "refund_refused.v1" | "refund_cancelled.v1":
                due.pop(AGREE, None)
                self._run(due, event, CONFIRM)
            case "trade_frozen.v1" | "trade_released.v1" | "trade_closed.v1":
                due.clear()
            case "trade_unfrozen.v1":
                for command in FIELDS:
                    self._run(due, event, command)

    def _run(self, due: dict[str, datetime], event: Event, command: str) -> None:
        """Let a deadline run until the moment that the event names, or stand still if none."""
        text = event.facts.get(FIELDS[command])
        if text is None:
            due.pop(command, None)
            return
        try:
            due[command] = datetime.fromisoformat(str(text))
        except ValueError:
            self._report.at(event.row, "log.fields", "a time", text)


def _needs(event: Event) -> str:
    """Name the command that alone may cause this, or nothing."""
    if event.name == "trade_closed.v1" and event.facts.get("reason") == "pay_timeout":
        return PAY
    if event.name == "trade_released.v1" and event.facts.get("cause") == "timer":
        return CONFIRM
    return ""


def _told(due: datetime | None) -> str:
    return "none" if due is None else due.isoformat()
