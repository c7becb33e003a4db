"""Accounts, payments and settlements that take a step they may not take are found out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.audit.settlements import fee_of
from tests.unit.audit.forgery import (
    Forgery,
    Register,
    again,
    assert_flagged,
    drop,
    edit,
    move,
    repost,
)
from tests.unit.audit.scribe import yuan

if TYPE_CHECKING:
    from tests.unit.audit.scribe import History

register = Register()
bad = register.bad


@bad("payment.flow", numbered=True)
def a_payment_captured_twice(h: History) -> None:
    again(h, h.row("authorization.payment_captured"))


@bad("payment.flow", numbered=True)
def a_payment_returned_twice(h: History) -> None:
    again(h, h.row("escrow.payment_returned"))


@bad("payment.flow", numbered=True)
def a_payment_never_assessed(h: History) -> None:
    drop(h, h.row("risk.payment_assessed"))


@bad("payment.flow", numbered=True)
def a_payment_never_requested(h: History) -> None:
    drop(h, h.row("authorization.payment_requested"))


@bad("payment.flow", sealed=True)
def a_declined_assessment_captured(h: History) -> None:
    edit(h.row("risk.payment_assessed"), decision="decline")


@bad("payment.flow", sealed=True)
def a_capture_of_another_amount(h: History) -> None:
    edit(h.row("authorization.payment_captured"), amount=yuan(12_344))


@bad("rest.payment", numbered=True)
def a_captured_payment_forgotten(h: History) -> None:
    drop(h, h.row("escrow.payment_returned"))


@bad("rest.payment", numbered=True)
def a_payment_left_undecided(h: History) -> None:
    drop(h, h.row("authorization.payment_declined"))


@bad("top_up.flow", numbered=True)
def a_top_up_settled_twice(h: History) -> None:
    again(h, h.row("accounts.top_up_settled"))


@bad("top_up.flow", sealed=True)
def a_top_up_of_more_than_was_asked(h: History) -> None:
    row = h.row("accounts.top_up_settled")
    edit(row, amount=yuan(100_001))
    repost(row, 0, minor=100_001)


@bad("rest.top_up", numbered=True)
def a_top_up_forgotten(h: History) -> None:
    drop(h, h.row("accounts.top_up_failed"))


@bad("account.flow", numbered=True)
def an_account_opened_twice(h: History) -> None:
    again(h, h.row("accounts.account_opened"))


@bad("account.flow", numbered=True)
def an_account_frozen_twice(h: History) -> None:
    drop(h, h.row("accounts.account_unfrozen"))


@bad("decision.account", sealed=True)
def a_capture_from_a_frozen_account(h: History) -> None:
    row = h.row("accounts.account_opened", 2)
    row.type, row.stream = "accounts.account_frozen.v1", "account/B-1"


@bad("decision.account", numbered=True)
def a_capture_from_an_account_that_was_never_opened(h: History) -> None:
    drop(h, h.row("accounts.account_opened"))


@bad("decision.seller", sealed=True)
def a_trade_with_a_seller_that_is_no_merchant(h: History) -> None:
    edit(h.row("escrow.trade_created"), seller="B.2")


@bad("decision.seller", sealed=True)
def a_trade_with_oneself(h: History) -> None:
    edit(h.row("escrow.trade_created"), buyer="M-1")


@bad("decision.decline", sealed=True)
def a_decline_for_want_of_funds_that_are_there(h: History) -> None:
    edit(h.row("authorization.payment_declined", 4), code="insufficient_funds")


@bad("decision.decline", numbered=True)
def a_decline_of_an_account_that_is_not_frozen(h: History) -> None:
    move(h, h.row("authorization.payment_declined", 2), h.row("authorization.payment_declined", 1))


@bad("decision.return", sealed=True)
def a_return_for_a_reason_that_does_not_hold(h: History) -> None:
    edit(h.row("escrow.payment_returned"), reason="wrong_amount")


@bad("settlement.credit", numbered=True)
def a_trade_credited_twice(h: History) -> None:
    again(h, h.row("settlement.credit_recorded"))


@bad("settlement.credit", sealed=True)
def a_credit_of_more_than_was_released(h: History) -> None:
    edit(h.row("settlement.credit_recorded"), gross=yuan(12_346))


@bad("settlement.credit", sealed=True)
def a_credit_of_an_unknown_trade(h: History) -> None:
    edit(h.row("settlement.credit_recorded"), trade_id="T-99")


@bad("settlement.fee", sealed=True)
def a_fee_rounded_the_wrong_way(h: History) -> None:
    edit(h.row("settlement.credit_recorded"), fee=yuan(75), net=yuan(12_270))


@bad("settlement.fee", sealed=True)
def a_net_that_is_not_gross_less_fee(h: History) -> None:
    edit(h.row("settlement.credit_recorded"), net=yuan(12_272))


@bad("rest.credit", numbered=True)
def a_release_never_credited(h: History) -> None:
    drop(h, h.row("settlement.credit_recorded"))


@bad("settlement.window", numbered=True)
def a_window_that_lost_a_credit(h: History) -> None:
    drop(h, h.row("settlement.credit_recorded", 1))


@bad("settlement.window", sealed=True)
def a_window_that_counts_wrong(h: History) -> None:
    edit(h.row("settlement.window_closed"), count=3)


@bad("settlement.window", sealed=True)
def a_window_that_leaves_out_a_version(h: History) -> None:
    edit(h.row("settlement.window_closed"), last_version=1)


@bad("settlement.window", numbered=True)
def a_credit_after_its_window_was_closed(h: History) -> None:
    row = h.row("settlement.window_closed")
    move(h, row, h.row("settlement.credit_recorded", 1))


@bad("settlement.window", numbered=True)
def a_window_closed_twice(h: History) -> None:
    again(h, h.row("settlement.window_closed"))


@bad("settlement.payout", sealed=True)
def a_payout_that_is_not_the_window_s_net(h: History) -> None:
    row = h.row("settlement.payout_requested", 1)
    edit(row, amount=yuan(3_312, "USD"))
    repost(row, 0, minor=3_312)


@bad("settlement.payout", numbered=True)
def a_payout_paid_twice(h: History) -> None:
    again(h, h.row("settlement.payout_paid"))


@bad("settlement.payout", sealed=True)
def a_payout_paid_under_another_name(h: History) -> None:
    edit(h.row("settlement.payout_paid"), payout_id="W-M.2-1-P")


@bad("rest.payout", numbered=True)
def a_payout_that_never_ends(h: History) -> None:
    drop(h, h.row("settlement.payout_failed"))


@register.cases()
def test_a_forbidden_step_is_flagged(forgery: Forgery) -> None:
    """Each forgery trips the check that is there for it."""
    assert_flagged(forgery)


@pytest.mark.parametrize(
    ("gross", "fee_bps", "fee"),
    [(250, 20, 0), (750, 20, 2), (1_250, 20, 2), (7_000, 60, 42), (12_345, 60, 74), (1, 60, 0)],
)
def test_a_fee_is_rounded_half_to_even(gross: int, fee_bps: int, fee: int) -> None:
    """Half of a minor unit goes to the even neighbour (contract.md, "Fee")."""
    assert fee_of(gross, fee_bps) == fee
