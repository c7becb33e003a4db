"""Refunds before release: applied for, answered, paid back, and what they do to the timers."""

from datetime import timedelta
from itertools import combinations

import pytest
from msgspec.structs import replace
from tests.unit.escrow.trades import (
    AGREE,
    APPLY,
    CANCEL_REFUND,
    CREATED,
    DAY,
    FROZEN,
    FUNDED,
    HOUR,
    PAID,
    REFUSE,
    SENT,
    SHIPPED,
    UNFREEZE,
    applied,
    closed,
    refunded,
    refused,
    trade,
)

from danbao.contracts import escrow as m
from danbao.contracts.message import Event
from danbao.contracts.policy import EscrowDeadlines
from danbao.testing.builders import START, cents, fen, policy

FAULTS = ("exists", "state", "open", "currency", "exceeds")
CODES = {
    "exists": "refund_exists",
    "state": "wrong_state",
    "open": "refund_open",
    "currency": "currency_mismatch",
    "exceeds": "refund_exceeds",
}
SUBSETS = [
    faults
    for size in range(1, 6)
    for faults in combinations(FAULTS, size)
    if not {"state", "open"} <= set(faults)  # a refund is open in paid trades only
]


@pytest.mark.parametrize("faults", SUBSETS)
@pytest.mark.parametrize("frozen", [False, True])
def test_the_first_fault_of_an_application_is_named(faults: tuple[str, ...], frozen: bool) -> None:
    """The order of the contract holds for every mixture of faults, frozen or not."""
    events: list[Event] = [CREATED, FUNDED, applied("R-1"), refused("R-1")]
    if "open" in faults:
        events.append(applied("R-2"))
    if "state" in faults:
        events += [
            SHIPPED,
            m.TradeReleased(trade_id="T-1", seller="S-1", amount=fen(10_000), cause="buyer"),
        ]
    elif frozen:
        events.append(FROZEN)
    minor = 10_001 if "exceeds" in faults else 100
    command = replace(
        APPLY,
        refund_id="R-1" if "exists" in faults else "R-9",
        amount=cents(minor) if "currency" in faults else fen(minor),
    )

    trade(*events).when(command).then_rejected(CODES[faults[0]])


def test_the_seller_has_two_days_to_answer() -> None:
    """A buyer is not left waiting: silence agrees."""
    expected = applied("R-9", 100)

    after = trade(*PAID).when(APPLY).then(expected)

    timer = m.AutoAgreeRefund(trade_id="T-1", generation=1)
    assert [(each.due_at, each.command) for each in after.timers] == [(START + 2 * DAY, timer)]


def test_the_time_to_answer_is_a_policy() -> None:
    """The event says how long it was and by which version, for whoever audits a silent yes."""
    rules = policy("escrow.deadlines", EscrowDeadlines(refund_answer_within_s=3_600))

    expected = replace(
        applied("R-9", 100), agree_by=START + HOUR, answer_within_s=3_600, policy_version=1
    )
    trade(*PAID).sharing(rules).when(APPLY).then(expected)


def test_an_application_pauses_the_timer_of_receipt() -> None:
    """Money under dispute is not released by a clock."""
    after = trade(*SENT).at(START + 4 * DAY).when(APPLY).so

    assert [type(each.command) for each in after.timers] == [m.AutoAgreeRefund]
    assert after.state.auto_confirm is not None
    assert after.state.auto_confirm.left == 6 * DAY


def test_all_that_is_held_may_be_asked_back_and_not_a_fen_more() -> None:
    """Refunds never exceed what the buyer paid."""
    before = trade(*PAID, applied(), refunded())

    before.when(replace(APPLY, amount=fen(7_501))).then_rejected(
        "refund_exceeds", refundable_minor=7_500
    )
    assert before.when(replace(APPLY, amount=fen(7_500))).outcome == "RefundApplied"


@pytest.mark.parametrize("kind", ["money_only", "return_and_refund"])
def test_agreeing_pays_back_at_once(kind: m.RefundKind) -> None:
    """Both kinds of refund are paid on the spot for now."""
    before = trade(*PAID, replace(applied(), kind=kind))

    after = before.when(AGREE).then(refunded())

    assert (after.state.held, after.state.refunded, after.timers) == (7_500, 2_500, ())
    assert after.state.status == "WAIT_SELLER_SEND_GOODS"


@pytest.mark.parametrize("sent", [False, True])
def test_agreeing_to_the_rest_closes_the_trade(sent: bool) -> None:
    """Nothing is held, so nothing can go on."""
    before = trade(*(SENT if sent else PAID), applied(minor=10_000))

    after = before.when(AGREE).then(
        refunded(minor=10_000, total=10_000), closed("refunded", 10_000)
    )

    assert (after.state.held, after.timers) == (0, ())


def test_several_refunds_add_up_to_the_whole() -> None:
    """The one that takes the last fen closes the trade, with the total of all."""
    before = trade(*PAID, applied(), refunded(), applied("R-2", 7_500))

    before.when(replace(AGREE, refund_id="R-2")).then(
        refunded("R-2", 7_500, 10_000), closed("refunded", 10_000)
    )


def test_after_shipping_the_buyer_is_told_when_receipt_is_confirmed_again() -> None:
    """Each way in which a refund ends says what it does to the buyer's deadline."""
    before = trade(*SENT, applied()).after(HOUR)
    at = START + 10 * DAY + HOUR

    before.when(AGREE).then(refunded(auto_confirm_at=at))
    before.when(REFUSE).then(refused(auto_confirm_at=at))
    before.when(CANCEL_REFUND).then(
        m.RefundCancelled(trade_id="T-1", refund_id="R-1", auto_confirm_at=at)
    )


@pytest.mark.parametrize(
    ("auto_confirm_s", "left", "resumed"),
    [
        (864_000, 6 * DAY, 6 * DAY),
        (864_000, DAY, DAY),
        (864_000, DAY - timedelta(microseconds=1), DAY),
        (864_000, timedelta(0), DAY),
        (864_000, -DAY, DAY),
        (3_600, timedelta(minutes=10), HOUR),
        (3_600, HOUR, HOUR),
        (86_400, timedelta(0), DAY),
        (86_401, timedelta(0), DAY),
    ],
)
@pytest.mark.parametrize("answer", [AGREE, REFUSE, CANCEL_REFUND])
def test_receipt_goes_on_with_what_was_left_but_at_least_a_day_or_its_own_span(
    auto_confirm_s: int, left: timedelta, resumed: timedelta, answer: m.RefundCommand
) -> None:
    """A buyer whose refund was refused in the last minute has time to look at the goods."""
    created = replace(CREATED, auto_confirm_s=auto_confirm_s)
    shipped = replace(SHIPPED, auto_confirm_at=START + left)
    before = trade(created, FUNDED, shipped, applied(at=START)).at(START + 5 * DAY)

    after = before.when(answer).so

    assert [each.due_at for each in after.timers] == [START + 5 * DAY + resumed]


@pytest.mark.parametrize("answer", [REFUSE, CANCEL_REFUND])
def test_a_refund_that_ends_while_frozen_leaves_its_time_for_the_thaw(
    answer: m.RefundCommand,
) -> None:
    """The freeze goes on; after it, the floor of one day still holds."""
    shipped = replace(SHIPPED, auto_confirm_at=START + HOUR)
    before = trade(*PAID, shipped, applied(), FROZEN).at(START + DAY)

    ended = before.when(answer).so
    thawed = ended.at(START + 9 * DAY).when(UNFREEZE).so

    assert ended.timers == ()
    assert [each.due_at for each in thawed.timers] == [START + 10 * DAY]


@pytest.mark.parametrize("command", [AGREE, REFUSE, CANCEL_REFUND])
def test_a_refund_is_answered_once(command: m.RefundCommand) -> None:
    """Two clicks, or two parties at the same moment: the first one counts."""
    again = replace(command, refund_id="R-1")

    for first in (AGREE, REFUSE, CANCEL_REFUND):
        after = trade(*PAID, applied()).when(first).so
        after.when(again).then_rejected("wrong_state", refund_id="R-1")


def test_an_ended_refund_stays_ended_while_another_one_is_open() -> None:
    """An answer names its refund; it never hits another."""
    before = trade(*PAID, applied("R-1"), refused("R-1"), applied("R-2"))

    before.when(AGREE).then_rejected("wrong_state")
    before.when(replace(AGREE, refund_id="R-3")).then_rejected("refund_unknown")
    assert before.when(replace(AGREE, refund_id="R-2")).outcome == "TradeRefunded"


def test_the_answer_to_every_order_of_confirming_and_applying_is_one_winner() -> None:
    """Race of domain 2.1.3: whichever is first in the stream wins, the other is refused."""
    confirm = m.ConfirmReceipt(trade_id="T-1")

    trade(*SENT).when(APPLY).so.when(confirm).then_rejected("refund_open", refund_id="R-9")
    trade(*SENT).when(confirm).so.when(APPLY).then_rejected("wrong_state")


def test_two_applications_that_exceed_the_price_cannot_both_win() -> None:
    """Race of domain 2.1.3, one after the other or at once."""
    big = replace(APPLY, amount=fen(6_000))
    second = replace(big, refund_id="R-8")
    agreed = replace(AGREE, refund_id="R-9")
    first = trade(*PAID).when(big).so

    first.when(second).then_rejected("refund_open")
    first.when(agreed).so.when(second).then_rejected("refund_exceeds", refundable_minor=4_000)
