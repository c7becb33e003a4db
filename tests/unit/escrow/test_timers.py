"""Timers of a trade: each takes effect once, when it is due, if the trade still expects it."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.unit.escrow.trades import (
    APPLY,
    CANCEL_REFUND,
    CONFIRM,
    CREATED,
    DAY,
    EXTEND,
    FREEZE,
    PAID,
    PAY,
    RELEASED,
    SENT,
    UNFREEZE,
    applied,
    closed,
    refunded,
    returned,
    trade,
)

from danbao.contracts import escrow as m
from danbao.contracts.message import Event, Timer
from danbao.testing.builders import START, fen

DUE: list[tuple[tuple[Event, ...], timedelta, Timer]] = [
    ((CREATED,), timedelta(minutes=30), m.TimeOutPayment(trade_id="T-1", generation=1)),
    (SENT, 10 * DAY, m.AutoConfirmReceipt(trade_id="T-1", generation=1)),
    ((*SENT, applied()), 2 * DAY, m.AutoAgreeRefund(trade_id="T-1", generation=1)),
]


@pytest.mark.parametrize(("events", "due", "timer"), DUE)
def test_a_timer_takes_effect_from_its_moment_on(
    events: tuple[Event, ...], due: timedelta, timer: Timer
) -> None:
    """Each party has its time to the last microsecond, and not one more."""
    before = trade(*events)

    assert [(each.due_at, each.command) for each in before.timers] == [(START + due, timer)]
    before.at(START + due - timedelta(microseconds=1)).when(timer).then_nothing()
    assert before.at(START + due).when(timer).events


@pytest.mark.parametrize(("events", "due", "timer"), DUE)
def test_a_timer_that_fires_twice_takes_effect_once(
    events: tuple[Event, ...], due: timedelta, timer: Timer
) -> None:
    """Race of domain 2.1.3: two workers, one release."""
    after = trade(*events).at(START + due).when(timer).so

    after.when(timer).then_nothing()


@pytest.mark.parametrize(("events", "due", "timer"), DUE)
@pytest.mark.parametrize("generation", [0, 2, 100])
def test_a_timer_of_another_generation_does_nothing(
    events: tuple[Event, ...], due: timedelta, timer: Timer, generation: int
) -> None:
    """A timer that was replaced may still be on its way."""
    other = replace(timer, generation=generation)

    trade(*events).at(START + due).when(other).then_nothing()


@pytest.mark.parametrize(("events", "due", "timer"), DUE)
def test_the_timer_from_before_a_freeze_is_stale_for_ever(
    events: tuple[Event, ...], due: timedelta, timer: Timer
) -> None:
    """It was sent before the freeze and arrives during or after it: nothing happens."""
    frozen = trade(*events).when(FREEZE).so.at(START + due)

    frozen.when(timer).then_nothing()
    thawed = frozen.when(UNFREEZE).so.at(START + 100 * DAY)
    thawed.when(timer).then_nothing()
    assert thawed.when(thawed.timers[0].command).events


def test_an_unpaid_trade_closes_when_its_time_is_over() -> None:
    """Shops get their goods back on the shelf; the closing says that nothing was refunded."""
    timer = m.TimeOutPayment(trade_id="T-1", generation=1)

    after = trade(CREATED).at(CREATED.pay_by).when(timer).then(closed("pay_timeout"))

    assert after.timers == ()


def test_a_payment_after_the_time_out_goes_back() -> None:
    """Race of domain 2.1.3: closed first, then the money: it is returned, never lost."""
    timer = m.TimeOutPayment(trade_id="T-1", generation=1)
    after = trade(CREATED).at(CREATED.pay_by).when(timer).so

    after.when(PAY).then(returned("trade_closed"))


def test_a_time_out_after_the_payment_does_nothing() -> None:
    """The same race the other way round: paid is paid."""
    timer = m.TimeOutPayment(trade_id="T-1", generation=1)

    trade(*PAID).at(CREATED.pay_by).when(timer).then_nothing()


def test_a_silent_buyer_has_confirmed() -> None:
    """The seller is paid all that is left, by the timer."""
    timer = m.AutoConfirmReceipt(trade_id="T-1", generation=1)
    before = trade(*SENT).at(START + 10 * DAY)

    before.when(timer).then(replace(RELEASED, cause="timer"))


def test_after_a_refund_a_silent_buyer_has_confirmed_the_rest() -> None:
    """The timer releases what is still held, not the price."""
    events = (*SENT, applied(), refunded(auto_confirm_at=START + 10 * DAY))
    timer = m.AutoConfirmReceipt(trade_id="T-1", generation=2)

    after = trade(*events).at(START + 10 * DAY).when(timer)

    after.then(replace(RELEASED, amount=fen(7_500), cause="timer"))


def test_the_timer_from_before_a_refund_is_stale_after_it() -> None:
    """Without this, a refund that ended would release the money at the old moment."""
    timer = m.AutoConfirmReceipt(trade_id="T-1", generation=1)
    asked = trade(*SENT).at(START + 10 * DAY).when(APPLY).so

    asked.when(timer).then_nothing()
    asked.when(replace(CANCEL_REFUND, refund_id="R-9")).so.when(timer).then_nothing()


def test_the_timer_from_before_an_extension_is_stale() -> None:
    """An extension that is answered with yes is not overtaken by the old timer."""
    timer = m.AutoConfirmReceipt(trade_id="T-1", generation=1)
    extended = trade(*SENT).at(START + 10 * DAY).when(EXTEND).so

    extended.when(timer).then_nothing()
    assert [each.due_at for each in extended.timers] == [START + 13 * DAY]


@pytest.mark.parametrize(("minor", "closes"), [(2_500, False), (10_000, True)])
def test_a_silent_seller_has_agreed(minor: int, closes: bool) -> None:
    """The buyer does not wait for ever; a refund of all closes the trade."""
    timer = m.AutoAgreeRefund(trade_id="T-1", generation=1)
    before = trade(*PAID, applied(minor=minor)).at(START + 2 * DAY)

    end = (closed("refunded", 10_000),) if closes else ()
    before.when(timer).then(refunded(minor=minor, total=minor), *end)


def test_the_silence_about_one_refund_does_not_agree_to_the_next() -> None:
    """Each refund has a timer of its own, so an old one is stale."""
    first = m.AutoAgreeRefund(trade_id="T-1", generation=1)
    withdrawn = trade(*PAID, applied("R-1")).when(CANCEL_REFUND).so
    again = withdrawn.at(START + DAY).when(APPLY).so

    again.at(START + 100 * DAY).when(first).then_nothing()
    assert [each.command.generation for each in again.timers] == [2]


def test_no_timer_is_left_once_the_trade_is_over() -> None:
    """The scheduler's table does not fill with the dead."""
    released = trade(*SENT).when(CONFIRM).so

    assert released.timers == ()
    for timer in (each for _, _, each in DUE):
        released.at(START + 100 * DAY).when(timer).then_nothing()
