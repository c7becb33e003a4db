"""What a trade promises on its main path: created, paid or sent back, shipped, released, closed."""

from datetime import datetime, timedelta
from itertools import chain, combinations

import pytest
from msgspec.structs import replace
from tests.unit.escrow.trades import (
    CANCEL,
    CONFIRM,
    CREATE,
    CREATED,
    DAY,
    EXTEND,
    EXTENDED,
    FUNDED,
    PAID,
    PAY,
    PRICE,
    RELEASED,
    SENT,
    SHIP,
    SHIPPED,
    SITUATIONS,
    applied,
    closed,
    refunded,
    returned,
    trade,
)

from danbao.contracts import escrow as m
from danbao.contracts.decider import Needs
from danbao.contracts.message import Event
from danbao.contracts.policy import EscrowDeadlines
from danbao.escrow.trade import decider
from danbao.testing.builders import START, account, cents, fen, policy
from danbao.testing.spec import given


def subsets(*faults: str) -> list[tuple[str, ...]]:
    """Every choice of at least one fault, in the order given."""
    sizes = range(1, len(faults) + 1)
    return list(chain.from_iterable(combinations(faults, size) for size in sizes))


def test_a_trade_gets_the_deadlines_of_the_policy_that_is_in_force() -> None:
    """Who sends none has those that are published, and the event says which they were."""
    trade().when(CREATE).then(CREATED)


def test_a_published_policy_gives_the_deadlines_and_its_version() -> None:
    """An auditor finds out under which rules the trade was made."""
    published = policy("escrow.deadlines", EscrowDeadlines(), EscrowDeadlines(pay_within_s=60))

    expected = replace(
        CREATED, pay_within_s=60, pay_by=START + timedelta(seconds=60), policy_version=2
    )
    trade().sharing(published).when(CREATE).then(expected)


def test_a_trade_keeps_the_deadlines_it_was_sent_with() -> None:
    """A shop may promise its buyers something else than the default."""
    own = {"pay_within_s": 1, "ship_within_s": 5_184_000, "auto_confirm_s": 7}

    expected = replace(CREATED, pay_by=START + timedelta(seconds=1), **own)
    trade().when(replace(CREATE, **own)).then(expected)


@pytest.mark.parametrize(
    "faults",
    subsets("unknown", "exists", "currency", "self") + subsets("personal", "exists", "currency"),
)
def test_the_first_fault_of_a_new_trade_is_named(faults: tuple[str, ...]) -> None:
    """A client that mends one fault after the other always gets the same answers."""
    codes = {
        "unknown": "seller_unknown",
        "personal": "seller_not_merchant",
        "exists": "trade_exists",
        "currency": "currency_mismatch",
        "self": "buyer_is_seller",
    }
    command = replace(
        CREATE,
        amount=cents(10_000) if "currency" in faults else PRICE,
        buyer="S-1" if "self" in faults else "B-1",
    )
    before = given(decider, *SITUATIONS["cancelled" if "exists" in faults else "unknown"])
    if "unknown" not in faults:
        seller = account("S-1", kind="personal" if "personal" in faults else "merchant")
        before = before.sharing(seller)

    before.when(command).then_rejected(codes[faults[0]])


def test_a_captured_payment_is_held_for_its_trade() -> None:
    """The seller ships only once the money is here."""
    after = trade(CREATED).when(PAY).then(FUNDED)

    assert (after.state.paid, after.state.held) == (10_000, 10_000)
    assert after.timers == ()


def test_a_payment_that_arrives_while_frozen_is_taken() -> None:
    """The buyer paid in good faith: the money waits, and the trade stays frozen."""
    after = trade(*SITUATIONS["unpaid frozen"]).when(PAY).then(FUNDED)

    assert (after.state.status, after.state.frozen) == ("WAIT_SELLER_SEND_GOODS", True)


def test_a_late_payment_is_taken_until_the_timer_has_spoken() -> None:
    """Whichever is recorded first wins; the clock alone decides nothing."""
    trade(CREATED).at(START + DAY).when(PAY).then(FUNDED)


@pytest.mark.parametrize("faults", subsets("wrong_payer", "wrong_amount", "wrong_currency"))
@pytest.mark.parametrize("situation", ["unknown", "unpaid", "paid", "released", "cancelled"])
def test_the_first_reason_to_send_a_payment_back_is_named(
    situation: str, faults: tuple[str, ...]
) -> None:
    """A payer who asks why gets the same reason, in whatever order things went wrong."""
    minor = 9_999 if "wrong_amount" in faults else 10_000
    payment = replace(
        PAY,
        payer="B-2" if "wrong_payer" in faults else "B-1",
        amount=cents(minor) if "wrong_currency" in faults else fen(minor),
    )
    reason = {
        "unknown": "trade_unknown",
        "unpaid": faults[0],
        "paid": "already_paid",
        "released": "already_paid",
        "cancelled": "trade_closed",
    }[situation]

    answer = trade(*SITUATIONS[situation]).when(payment)

    answer.then(returned(reason, payment))
    assert answer.needs == Needs(streams=("return/P-1",))
    assert [posting.credit for posting in answer.postings] == [f"R.CUST.{payment.payer}.AVAILABLE"]


def test_shipping_starts_the_timer_of_receipt() -> None:
    """A buyer who stays silent does not keep the seller's money for ever."""
    after = trade(*PAID).when(SHIP).then(SHIPPED)

    expected = m.AutoConfirmReceipt(trade_id="T-1", generation=1)
    assert [(each.due_at, each.command) for each in after.timers] == [(START + 10 * DAY, expected)]


def test_shipping_with_an_open_refund_starts_the_timer_paused() -> None:
    """The buyer's complaint is answered before time runs against the buyer."""
    after = trade(*PAID, applied()).when(SHIP).then(replace(SHIPPED, auto_confirm_at=None))

    assert after.state.auto_confirm is not None
    assert after.state.auto_confirm.left == 10 * DAY


def test_shipping_while_frozen_starts_the_timer_paused() -> None:
    """The goods may go, the money may not."""
    before = trade(*SITUATIONS["paid frozen"])

    after = before.when(SHIP).then(replace(SHIPPED, auto_confirm_at=None))

    assert after.timers == ()
    assert after.state.auto_confirm is not None
    assert after.state.auto_confirm.left == 10 * DAY


@pytest.mark.parametrize("now", [START, START + 9 * DAY, START + 11 * DAY])
def test_an_extension_adds_to_the_moment_that_was_promised(now: datetime) -> None:
    """Asking early costs the buyer nothing; asking late, before the timer spoke, still counts."""
    after = trade(*SENT).at(now).when(EXTEND).then(EXTENDED)

    assert [each.due_at for each in after.timers] == [START + 13 * DAY]


def test_an_extension_while_a_refund_is_open_adds_to_what_is_left() -> None:
    """The days are not lost: they are there when the refund has ended."""
    before = trade(*SENT, applied(at=START + 4 * DAY))

    after = before.when(EXTEND).then(replace(EXTENDED, auto_confirm_at=None))

    assert after.state.auto_confirm is not None
    assert after.state.auto_confirm.left == 9 * DAY


@pytest.mark.parametrize("events", [(*SENT, EXTENDED), (*SENT, EXTENDED, applied())])
def test_receipt_is_extended_once_only(events: tuple[Event, ...]) -> None:
    """A buyer cannot put the seller off again and again."""
    trade(*events).when(EXTEND).then_rejected("extension_limit", extensions_max=1)


def test_confirming_releases_all_that_was_paid() -> None:
    """The seller has earned the price, to the fen."""
    answer = trade(*SENT).when(CONFIRM)

    after = answer.then(RELEASED)
    assert (after.state.held, after.state.released, after.timers) == (0, 10_000, ())


def test_confirming_after_a_partial_refund_releases_the_rest() -> None:
    """Released is what was paid, less what was refunded."""
    before = trade(*SENT, applied(), refunded(auto_confirm_at=START + 10 * DAY))

    before.when(CONFIRM).then(replace(RELEASED, amount=fen(7_500)))


def test_cancelling_closes_an_unpaid_trade() -> None:
    """The buyer owes nothing, and no timer is left."""
    after = trade(CREATED).when(CANCEL).then(closed("cancelled"))

    assert after.timers == ()


def test_a_refusal_names_the_state_that_was_in_the_way() -> None:
    """A caller who was too late learns what the trade has become."""
    before = trade(*SITUATIONS["released"])

    before.when(CONFIRM).then_rejected("wrong_state", state="TRADE_SUCCESS", frozen=False)
