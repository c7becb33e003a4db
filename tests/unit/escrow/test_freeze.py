"""Freezing a trade: its timers stop, and go on with exactly what was left."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.unit.escrow.trades import (
    AGREE,
    APPLY,
    CONFIRM,
    CREATED,
    DAY,
    EXTEND,
    EXTENDED,
    FREEZE,
    FROZEN,
    HOUR,
    PAID,
    REFUSE,
    SENT,
    SHIP,
    UNFREEZE,
    applied,
    trade,
)

from danbao.contracts import escrow as m
from danbao.contracts.message import Event
from danbao.testing.builders import START


def thawed(
    *,
    pay_by: timedelta | None = None,
    auto_confirm: timedelta | None = None,
    agree_by: timedelta | None = None,
    at: timedelta,
) -> m.TradeUnfrozen:
    """The trade goes on, `at` and its deadlines counted from the start."""
    return m.TradeUnfrozen(
        trade_id="T-1",
        reason="court order 8",
        unfrozen_at=START + at,
        pay_by=None if pay_by is None else START + pay_by,
        auto_confirm_at=None if auto_confirm is None else START + auto_confirm,
        agree_by=None if agree_by is None else START + agree_by,
    )


@pytest.mark.parametrize("events", [(CREATED,), PAID, SENT, (*SENT, applied())])
def test_freezing_stops_every_timer(events: tuple[Event, ...]) -> None:
    """A court that stops a trade stops its clocks too."""
    after = trade(*events).after(HOUR).when(FREEZE).then(replace(FROZEN, frozen_at=START + HOUR))

    assert after.timers == ()


def test_the_time_to_pay_goes_on_where_it_stopped() -> None:
    """Twenty minutes left are twenty minutes left, however long the freeze was."""
    frozen = trade(CREATED).at(START + timedelta(minutes=10)).when(FREEZE).so

    after = (
        frozen.at(START + 9 * DAY)
        .when(UNFREEZE)
        .then(thawed(pay_by=9 * DAY + timedelta(minutes=20), at=9 * DAY))
    )

    timer = m.TimeOutPayment(trade_id="T-1", generation=2)
    assert [each.command for each in after.timers] == [timer]


def test_the_time_of_receipt_goes_on_where_it_stopped() -> None:
    """The floor of one day is for refunds; a freeze gives back what was left and no more."""
    frozen = trade(*SENT).at(START + 10 * DAY - HOUR).when(FREEZE).so

    after = (
        frozen.at(START + 30 * DAY)
        .when(UNFREEZE)
        .then(thawed(auto_confirm=30 * DAY + HOUR, at=30 * DAY))
    )

    timer = m.AutoConfirmReceipt(trade_id="T-1", generation=2)
    assert [each.command for each in after.timers] == [timer]


def test_the_time_to_answer_a_refund_stops_while_frozen() -> None:
    """A seller who may not agree is not counted as silent."""
    frozen = trade(*PAID, applied()).at(START + DAY).when(FREEZE).so

    frozen.at(START + 5 * DAY).when(UNFREEZE).then(thawed(agree_by=6 * DAY, at=5 * DAY))


def test_with_an_open_refund_only_its_own_timer_goes_on() -> None:
    """Auto-confirm was paused before the freeze, and stays so after it."""
    frozen = trade(*SENT, applied(at=START + 3 * DAY)).at(START + 4 * DAY).when(FREEZE).so

    after = frozen.at(START + 8 * DAY).when(UNFREEZE).then(thawed(agree_by=9 * DAY, at=8 * DAY))

    assert [type(each.command) for each in after.timers] == [m.AutoAgreeRefund]
    assert after.state.auto_confirm is not None
    assert after.state.auto_confirm.left == 7 * DAY


def test_a_refund_asked_for_while_frozen_starts_its_time_at_the_thaw() -> None:
    """The seller gets the whole two days."""
    before = trade(*PAID, FROZEN).at(START + DAY)

    asked = before.when(APPLY).then(replace(applied("R-9", 100, at=START + DAY), agree_by=None))

    assert asked.timers == ()
    asked.at(START + 4 * DAY).when(UNFREEZE).then(thawed(agree_by=6 * DAY, at=4 * DAY))


def test_goods_shipped_while_frozen_start_their_time_at_the_thaw() -> None:
    """The buyer gets the whole ten days."""
    sent = trade(*PAID, FROZEN).at(START + DAY).when(SHIP).so

    sent.at(START + 4 * DAY).when(UNFREEZE).then(thawed(auto_confirm=14 * DAY, at=4 * DAY))


def test_a_refund_asked_for_while_frozen_keeps_the_time_of_receipt() -> None:
    """What was left when the freeze began is what the refund finds when it ends."""
    frozen = trade(*SENT).at(START + 2 * DAY).when(FREEZE).so

    asked = frozen.at(START + 5 * DAY).when(APPLY).so
    going = asked.at(START + 6 * DAY).when(UNFREEZE).so
    after = going.at(START + 7 * DAY).when(replace(REFUSE, refund_id="R-9")).so

    assert [each.due_at for each in after.timers] == [START + 15 * DAY]


def test_an_extension_survives_a_freeze() -> None:
    """The days that the buyer was given are still there afterwards."""
    frozen = trade(*SENT, EXTENDED).at(START + DAY).when(FREEZE).so

    frozen.at(START + 2 * DAY).when(UNFREEZE).then(thawed(auto_confirm=14 * DAY, at=2 * DAY))


def test_what_was_overdue_is_due_at_once_after_the_thaw() -> None:
    """A timer that was about to fire is not lost, and not early."""
    frozen = trade(CREATED).at(START + DAY).when(FREEZE).so

    after = frozen.at(START + 2 * DAY).when(UNFREEZE).then(thawed(pay_by=2 * DAY, at=2 * DAY))

    assert after.when(after.timers[0].command).outcome == "TradeClosed"


@pytest.mark.parametrize("command", [EXTEND, CONFIRM])
def test_a_freeze_that_comes_first_stops_the_release(command: m.TradeCommand) -> None:
    """Race of domain 2.1.3: freeze before release, and the release is refused."""
    frozen = trade(*SENT).when(FREEZE).so

    frozen.when(command).then_rejected("trade_frozen", trade_id="T-1")
    assert frozen.when(UNFREEZE).so.when(command).events


def test_agreeing_is_refused_while_frozen_and_possible_after() -> None:
    """Money under a court order goes to nobody."""
    frozen = trade(*PAID, applied()).when(FREEZE).so

    frozen.when(AGREE).then_rejected("trade_frozen")
    assert frozen.when(UNFREEZE).so.when(AGREE).outcome == "TradeRefunded"


def test_a_trade_may_be_frozen_again_and_again() -> None:
    """Each freeze takes from the time what had passed, and nothing else."""
    story = trade(*SENT)
    for day in range(9):
        story = story.at(START + 2 * day * DAY).when(FREEZE).so
        story = story.at(START + (2 * day + 1) * DAY).when(UNFREEZE).so

    assert [each.due_at for each in story.timers] == [START + 19 * DAY]
