"""Trades that take a step they may not take are found out."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

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


@bad("trade.transition", numbered=True)
def a_trade_funded_twice(h: History) -> None:
    again(h, h.row("escrow.trade_funded"))


@bad("trade.transition", numbered=True)
def a_trade_released_twice(h: History) -> None:
    again(h, h.row("escrow.trade_released"))


@bad("trade.transition", numbered=True)
def a_trade_created_twice(h: History) -> None:
    again(h, h.row("escrow.trade_created"))


@bad("trade.transition", numbered=True)
def a_trade_never_created(h: History) -> None:
    drop(h, h.row("escrow.trade_created"))


@bad("trade.transition", numbered=True)
def a_release_without_shipping(h: History) -> None:
    drop(h, h.row("escrow.trade_shipped"))


@bad("trade.transition", numbered=True)
def shipping_before_payment(h: History) -> None:
    move(h, h.row("escrow.trade_shipped"), h.row("escrow.trade_funded"))


@bad("trade.transition", numbered=True)
def a_receipt_extended_twice(h: History) -> None:
    row = h.row("escrow.receipt_extended")
    other = copy.copy(row)
    other.event_id = f"{row.event_id[:-4]}ffff"
    h.rows.insert(h.rows.index(row) + 1, other)


@bad("trade.transition", numbered=True)
def a_release_with_an_open_refund(h: History) -> None:
    drop(h, h.row("escrow.refund_refused"))


@bad("trade.transition", numbered=True)
def a_release_while_frozen(h: History) -> None:
    drop(h, h.row("escrow.trade_unfrozen"))


@bad("trade.transition", numbered=True)
def an_unfreezing_of_what_is_not_frozen(h: History) -> None:
    drop(h, h.row("escrow.trade_frozen"))


@bad("trade.transition", numbered=True)
def a_refund_nobody_applied_for(h: History) -> None:
    drop(h, h.row("escrow.refund_applied"))


@bad("trade.transition", numbered=True)
def a_closing_without_the_refund(h: History) -> None:
    drop(h, h.row("escrow.trade_refunded", 1))


@bad("trade.transition", sealed=True)
def a_refund_of_more_than_was_applied_for(h: History) -> None:
    row = h.row("escrow.trade_refunded")
    edit(row, amount=yuan(2_600), refunded_total=yuan(2_600))
    repost(row, 0, minor=2_600)


@bad("trade.transition", sealed=True)
def a_refund_applied_for_of_more_than_is_held(h: History) -> None:
    edit(h.row("escrow.refund_applied", 1), amount=yuan(7_501))


@bad("trade.transition", sealed=True)
def a_total_of_refunds_that_is_wrong(h: History) -> None:
    edit(h.row("escrow.trade_refunded"), refunded_total=yuan(1))


@bad("trade.transition", sealed=True)
def a_trade_funded_with_another_amount(h: History) -> None:
    edit(h.row("escrow.trade_funded"), amount=yuan(12_344))


@bad("trade.transition", sealed=True)
def a_trade_funded_by_another_payer(h: History) -> None:
    edit(h.row("escrow.trade_funded"), payer="B.2")


@bad("trade.transition", sealed=True)
def a_paid_trade_cancelled(h: History) -> None:
    edit(h.row("escrow.trade_closed", 0), reason="cancelled")


@bad("trade.transition", sealed=True)
def a_release_for_no_known_cause(h: History) -> None:
    edit(h.row("escrow.trade_released"), cause="operator")


@register.cases()
def test_a_forbidden_step_is_flagged(forgery: Forgery) -> None:
    """Each forgery trips the check that is there for it."""
    assert_flagged(forgery)
