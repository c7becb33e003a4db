"""Refunds of a trade before release: applied for, answered, paid back (contract; domain 2.1.2)."""

from datetime import datetime, timedelta
from typing import assert_never

from danbao.contracts import escrow as m
from danbao.contracts.decider import Decision
from danbao.contracts.facts import Facts
from danbao.contracts.money import Money
from danbao.contracts.policy import EscrowDeadlines
from danbao.contracts.rejection import Rejected, RejectionCode
from danbao.escrow.outcome import closed, wrong_state
from danbao.escrow.state import PAID, Trade, evolve

Code = RejectionCode
POLICY = "escrow.deadlines"


def apply_refund(command: m.ApplyRefund, trade: Trade, facts: Facts) -> Decision:
    """Let the buyer ask for some of what is held; the seller is to answer."""
    if command.refund_id in trade.refunds:
        return Rejected(Code.REFUND_EXISTS, {"refund_id": command.refund_id})
    if trade.status not in PAID:
        return wrong_state(trade)
    if trade.open_refund is not None:
        return Rejected(Code.REFUND_OPEN, {"refund_id": trade.open_refund})
    if command.amount.currency != trade.currency:
        return Rejected(Code.CURRENCY_MISMATCH, {"currency": trade.currency})
    if command.amount.minor > trade.held:
        return Rejected(Code.REFUND_EXCEEDS, {"refundable_minor": trade.held})
    version, deadlines = facts.policy(POLICY, EscrowDeadlines)
    answer_within_s = deadlines.refund_answer_within_s
    applied = m.RefundApplied(
        trade_id=command.trade_id,
        refund_id=command.refund_id,
        amount=command.amount,
        kind=command.kind,
        reason=command.reason,
        agree_by=None if trade.frozen else facts.now + timedelta(seconds=answer_within_s),
        applied_at=facts.now,
        answer_within_s=answer_within_s,
        policy_version=version,
    )
    return [applied]


def answer_refund(
    command: m.AgreeRefund | m.RefuseRefund | m.CancelRefund, trade: Trade, facts: Facts
) -> Decision:
    """Agree, refuse or take back the open refund."""
    refund_id = command.refund_id
    if refund_id not in trade.refunds:
        return Rejected(Code.REFUND_UNKNOWN, {"refund_id": refund_id})
    if trade.frozen and isinstance(command, m.AgreeRefund):
        return Rejected(Code.TRADE_FROZEN, {"trade_id": trade.trade_id})
    if refund_id != trade.open_refund:
        return Rejected(Code.WRONG_STATE, {"refund_id": refund_id, "state": "ended"})
    match command:
        case m.AgreeRefund():
            return pay_back(trade, facts)
        case m.RefuseRefund():
            at = _auto_confirm_at(trade, facts)
            return [
                m.RefundRefused(trade_id=trade.trade_id, refund_id=refund_id, auto_confirm_at=at)
            ]
        case m.CancelRefund():
            at = _auto_confirm_at(trade, facts)
            return [
                m.RefundCancelled(trade_id=trade.trade_id, refund_id=refund_id, auto_confirm_at=at)
            ]
        case _:
            assert_never(command)


def pay_back(trade: Trade, facts: Facts) -> Decision:
    """Pay the open refund back; a refund of the rest closes the trade."""
    assert trade.open_refund is not None
    total = trade.refunded + trade.open_refund_amount
    is_rest = total == trade.paid
    refunded = m.TradeRefunded(
        trade_id=trade.trade_id,
        refund_id=trade.open_refund,
        buyer=trade.buyer,
        amount=Money(trade.open_refund_amount, trade.currency),
        refunded_total=Money(total, trade.currency),
        auto_confirm_at=None if is_rest else _auto_confirm_at(trade, facts),
    )
    if not is_rest:
        return [refunded]
    return [refunded, closed(evolve(trade, refunded), "refunded")]


def _auto_confirm_at(trade: Trade, facts: Facts) -> datetime | None:
    """When receipt is confirmed by itself once the open refund has ended."""
    if trade.auto_confirm is None or trade.frozen:
        return None
    return facts.now + trade.resumed_left()
