"""Money that is made, lost, or booked where it does not belong is found out.

All these forgeries are sealed: hashes, places and records fit the forged rows, so that only
the sums can tell.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.audit.ledger import Ledger
from tests.audit.report import Report
from tests.audit.rows import Event, Posting
from tests.audit.world import World
from tests.unit.audit.figures import good_history
from tests.unit.audit.forgery import Forgery, Register, assert_flagged, edit, post, posting, repost

if TYPE_CHECKING:
    from tests.unit.audit.scribe import History

register = Register()
bad = register.bad


@bad("ledger.posting", sealed=True)
def a_negative_posting(h: History) -> None:
    repost(h.row("authorization.payment_captured"), 0, minor=-12_345)


@bad("ledger.posting", sealed=True)
def a_posting_of_nothing(h: History) -> None:
    post(h.row("escrow.trade_created"), posting("R.CB", "R.CHRECV", 0))


@bad("ledger.posting", sealed=True)
def a_posting_in_floating_point(h: History) -> None:
    repost(h.row("authorization.payment_captured"), 0, minor=12_345.0)


@bad("ledger.posting", sealed=True)
def a_posting_in_text(h: History) -> None:
    repost(h.row("authorization.payment_captured"), 0, minor="12345")


@bad("ledger.posting", sealed=True)
def a_posting_without_currency(h: History) -> None:
    repost(h.row("authorization.payment_captured"), 0, currency="yuan")


@bad("ledger.posting", sealed=True)
def a_posting_with_a_field_too_many(h: History) -> None:
    repost(h.row("authorization.payment_captured"), 0, note="?")


@bad("ledger.posting", sealed=True)
def an_account_posted_to_itself(h: History) -> None:
    repost(h.row("authorization.payment_captured"), 0, debit="R.ESCROW.T-1")


@bad("ledger.posting", sealed=True)
def an_empty_array_for_null(h: History) -> None:
    h.row("escrow.trade_created").postings = "[]"


@bad("ledger.book", sealed=True)
def money_taken_across_books(h: History) -> None:
    repost(h.row("settlement.window_closed"), 1, credit="O.INC.FEE")


@bad("ledger.reserve", sealed=True)
def a_reserve_that_leaks_into_own_funds(h: History) -> None:
    repost(h.row("settlement.window_closed"), 1, credit="O.INC.FEE")


@bad("ledger.balance", sealed=True)
def own_funds_that_come_from_nowhere(h: History) -> None:
    repost(h.row("settlement.window_closed"), 2, debit="R.DUE_TO_O")


@bad("ledger.chart", sealed=True)
def an_account_that_is_in_no_chart(h: History) -> None:
    repost(h.row("accounts.top_up_settled"), 0, debit="R.NOWHERE")


@bad("ledger.chart", sealed=True)
def a_wallet_without_its_bucket(h: History) -> None:
    repost(h.row("accounts.top_up_settled"), 0, credit="R.CUST.B-1")


@bad("ledger.chart", sealed=True)
def an_escrow_of_no_trade(h: History) -> None:
    repost(h.row("authorization.payment_captured"), 0, credit="R.ESCROW.")


@bad("ledger.chart", sealed=True)
def a_book_that_nobody_keeps(h: History) -> None:
    post(h.row("escrow.trade_created"), posting("X.A", "X.B", 1))


@bad("ledger.sign", sealed=True)
def a_wallet_overdrawn(h: History) -> None:
    row = h.row("authorization.payment_captured")
    repost(row, 0, minor=100_001)


@bad("ledger.sign", sealed=True)
def a_wallet_in_the_wrong_currency(h: History) -> None:
    repost(h.row("authorization.payment_captured"), 0, currency="USD")


@bad("ledger.sign", sealed=True)
def a_bank_that_pays_what_it_has_not(h: History) -> None:
    repost(h.row("settlement.payout_failed"), 0, credit="R.CB.USD")


@bad("ledger.sign", numbered=True)
def a_capture_before_the_top_up(h: History) -> None:
    captured = h.row("authorization.payment_captured")
    h.rows.remove(captured)
    h.rows.insert(h.rows.index(h.row("accounts.top_up_settled")), captured)


@bad("ledger.mirror", sealed=True)
def a_fee_that_own_funds_do_not_know(h: History) -> None:
    row = h.row("settlement.window_closed")
    row.postings = json.dumps(json.loads(row.postings or "")[:2])


@bad("ledger.mirror", sealed=True)
def an_income_without_a_fee(h: History) -> None:
    repost(h.row("settlement.window_closed", 1), 2, minor=21)


@bad("ledger.mirror", sealed=True)
def a_debt_of_the_own_funds_on_one_side(h: History) -> None:
    post(h.row("escrow.trade_created"), posting("R.DUE_FROM_O", "R.UNID.x", 5))


@bad("ledger.rule", sealed=True)
def an_amount_that_is_not_the_event_s(h: History) -> None:
    repost(h.row("escrow.trade_released"), 0, minor=12_344)


@bad("ledger.rule", sealed=True)
def a_release_to_another_merchant(h: History) -> None:
    repost(h.row("escrow.trade_released"), 0, credit="R.MPEND.M.2")


@bad("ledger.rule", sealed=True)
def a_release_out_of_the_window_s_reach(h: History) -> None:
    repost(h.row("escrow.trade_released"), 0, credit="R.MAVL.M-1")


@bad("ledger.rule", sealed=True)
def a_refund_to_another_buyer(h: History) -> None:
    repost(h.row("escrow.trade_refunded"), 0, credit="R.CUST.B-4.AVAILABLE")


@bad("ledger.rule", sealed=True)
def a_top_up_into_another_wallet(h: History) -> None:
    repost(h.row("accounts.top_up_settled"), 0, credit="R.CUST.B-4.AVAILABLE")


@bad("ledger.rule", sealed=True)
def a_return_into_a_frozen_bucket(h: History) -> None:
    repost(h.row("escrow.payment_returned"), 0, credit="R.CUST.B-1.FROZEN")


@bad("ledger.rule", sealed=True)
def a_posting_left_out(h: History) -> None:
    h.row("channel.funds_received").postings = None


@bad("ledger.rule", sealed=True)
def a_posting_twice(h: History) -> None:
    row = h.row("accounts.top_up_settled")
    post(row, *json.loads(row.postings or ""))


@bad("ledger.rule", sealed=True)
def a_posting_on_an_event_that_moves_nothing(h: History) -> None:
    post(h.row("settlement.credit_recorded"), posting("R.MPEND.M-1", "R.DUE_TO_O", 74))


@bad("ledger.rule", sealed=True)
def debit_and_credit_exchanged(h: History) -> None:
    repost(h.row("settlement.payout_requested"), 0, debit="R.PAYOUT.bank", credit="R.MAVL.M-1")


@bad("ledger.rule", sealed=True)
def a_failed_payout_that_is_kept(h: History) -> None:
    repost(h.row("settlement.payout_failed"), 0, credit="R.UNID.bank")


@bad("trade.identity", sealed=True)
def a_release_booked_from_another_trade(h: History) -> None:
    repost(h.row("escrow.trade_refunded"), 0, debit="R.ESCROW.T-1")


@bad("trade.identity", sealed=True)
def more_released_than_was_held(h: History) -> None:
    row = h.row("escrow.trade_released", 1)
    edit(row, amount={"minor": 7_501, "currency": "CNY"})
    repost(row, 0, minor=7_501)


@bad("trade.identity", sealed=True)
def an_escrow_fed_from_outside(h: History) -> None:
    post(h.row("escrow.trade_created"), posting("R.CB", "R.ESCROW.T-1", 5))


@register.cases()
def test_forged_books_are_flagged(forgery: Forgery) -> None:
    """Each forgery trips the check that is there for it."""
    assert_flagged(forgery)


def test_a_currency_position_may_stand_on_either_side() -> None:
    """R.FXPOS closes a conversion per currency, so it has no wrong sign (domain.md, 3.1)."""
    report, row = Report(), good_history().rows[0]
    ledger = Ledger(report, World())
    ledger.event(Event(row, "x", "y", {}, (Posting("R.FXPOS.USD", "R.MPEND.M-1", 7, "USD"),)))

    assert report.counts == {}


def test_a_balance_is_folded_to_the_normal_side_of_its_account() -> None:
    """A debit raises what the platform has and lowers what it owes."""
    world = World()
    row = good_history().rows[0]
    top_up = Posting("R.CHRECV.card", "R.CUST.a.b.AVAILABLE", 7, "JPY")
    Ledger(Report(), world).event(Event(row, "x", "y", {}, (top_up,)))

    assert world.balances == {("R.CHRECV.card", "JPY"): 7, ("R.CUST.a.b.AVAILABLE", "JPY"): 7}
