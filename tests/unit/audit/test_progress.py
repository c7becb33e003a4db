"""Commands that were skipped, and deadlines that fired early, wrongly or never, are found out."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tests.audit.rows import Record, Timer
from tests.unit.audit.figures import good_history
from tests.unit.audit.forgery import Forgery, Register, assert_flagged, edit, flagged
from tests.unit.audit.story import FUTURE, PAST

if TYPE_CHECKING:
    from tests.unit.audit.scribe import History

register = Register()
bad = register.bad
COMMANDS, EVENTS = "danbao.escrow.commands", "danbao.escrow.events"


def more(h: History, **headers: str) -> Record:
    """One more command at the end of a partition, which its service has read."""
    offset = h.offset(COMMANDS)
    given = tuple((name, text.encode()) for name, text in headers.items())
    record = Record(COMMANDS, offset.partition, offset.next_offset, b"T-1", b"{}", given, 8)
    h.topics.sent.append(record)
    offset.anchor_offset = offset.next_offset
    offset.next_offset += 1
    return record


@bad("offsets.skipped", alone=True)
def a_command_read_and_never_answered(h: History) -> None:
    more(h, ce_id="0190a3c8-0000-7000-8000-000000000001", ce_type="escrow.ship_trade.v1")


@bad("offsets.skipped", alone=True)
def a_record_without_id_that_nobody_kept(h: History) -> None:
    more(h)


@bad("offsets.skipped", alone=True)
def a_letter_of_another_service(h: History) -> None:
    record = more(h, ce_id="none")
    h.tables.dead_letters.add(("risk", COMMANDS, record.partition, record.offset))


@bad("offsets.beyond", alone=True)
def an_offset_behind_the_end_of_its_topic(h: History) -> None:
    offset = h.offset(COMMANDS)
    offset.next_offset += 5


@bad("offsets.behind", alone=True)
def a_command_that_nobody_has_read(h: History) -> None:
    offset = h.offset(COMMANDS)
    more(h, ce_id=h.tables.inbox_rows[0].message_id)
    offset.next_offset -= 1
    offset.anchor_offset = offset.next_offset - 1


@bad("offsets.behind", alone=True)
def a_partition_that_was_forgotten(h: History) -> None:
    h.tables.read_offsets.remove(h.offset(EVENTS))


@bad("offsets.anchor", alone=True)
def an_offset_that_jumped(h: History) -> None:
    offset = h.offset(COMMANDS)
    offset.anchor_offset = None


@bad("offsets.anchor")
def an_offset_of_another_topic_of_the_same_name(h: History) -> None:
    h.offset(EVENTS).anchor_offset = 0


@bad("offsets.sequence", alone=True)
def a_position_that_nobody_read(h: History) -> None:
    h.offset(EVENTS).last_sequence += 1


@bad("timers.early", sealed=True)
def an_automatic_release_before_its_deadline(h: History) -> None:
    edit(h.row("escrow.trade_unfrozen"), auto_confirm_at=FUTURE)


@bad("timers.early", sealed=True)
def an_automatic_release_without_a_deadline(h: History) -> None:
    edit(h.row("escrow.trade_unfrozen"), auto_confirm_at=None)


@bad("timers.cause", sealed=True)
def a_payment_timed_out_by_a_buyer(h: History) -> None:
    edit(h.row("escrow.trade_closed", 1), reason="pay_timeout")


@bad("timers.cause", sealed=True)
def an_automatic_release_that_a_buyer_sent(h: History) -> None:
    edit(h.row("escrow.trade_released"), cause="timer")


@bad("timers.running", alone=True)
def a_deadline_that_was_lost(h: History) -> None:
    h.tables.running.clear()


@bad("timers.running", alone=True)
def a_deadline_of_a_trade_that_is_over(h: History) -> None:
    due = h.tables.running[0].due_at
    h.tables.running.append(Timer("", "trade/T-1", "escrow.auto_confirm_receipt.v1", due))


@bad("timers.running", alone=True)
def a_deadline_that_was_put_off(h: History) -> None:
    h.tables.running[0].due_at += timedelta(days=1)


@bad("timers.overdue", alone=True)
def a_deadline_that_came_and_did_nothing(h: History) -> None:
    h.tables.clock = h.tables.running[0].due_at + timedelta(minutes=1)


@bad("log.fields", sealed=True)
def a_deadline_that_is_no_time(h: History) -> None:
    edit(h.row("escrow.trade_created", 5), pay_by="soon")


@register.cases()
def test_it_is_flagged(forgery: Forgery) -> None:
    """Each way to skip work, or to let time do wrong, has a check that sees it."""
    assert_flagged(forgery)


def test_a_dead_letter_and_a_late_timer_are_ends_too() -> None:
    """What could not be read is kept; a deadline that has nothing left to do leaves no trace."""
    history = good_history()
    record = more(history, ce_id="none")
    history.tables.dead_letters.add(("escrow", COMMANDS, record.partition, record.offset))
    more(history, ce_id=PAST, ce_type="escrow.time_out_payment.v1")

    assert flagged(history) == set()
