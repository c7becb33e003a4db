"""Escrow trade: the buyer's money is held until the seller earns it or the buyer gets it back.

Rules: contract, section "Commands and events of the core"; domain 2.1.  Where several refusals
apply, the first of the contract's order is given: unknown, not allowed, exists, frozen, wrong
state, refund open, amounts, other.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import TypeAlias, assert_never, get_args

from danbao.contracts import escrow as m
from danbao.contracts.actor import refuse_actor
from danbao.contracts.decider import NOTHING, Decider, Decision, Needs, Wish
from danbao.contracts.facts import Facts, account_key, policy_key
from danbao.contracts.policy import EscrowDeadlines
from danbao.contracts.rejection import Rejected, RejectionCode, ReturnReason
from danbao.escrow.outcome import closed, released, wrong_state
from danbao.escrow.refund import POLICY, answer_refund, apply_refund, pay_back
from danbao.escrow.state import OVER, Status, Trade, evolve, timers

Code = RejectionCode
BuyerCommand = m.ExtendReceipt | m.ConfirmReceipt | m.CancelTrade | m.ApplyRefund | m.CancelRefund
SellerCommand = m.ShipTrade | m.AgreeRefund | m.RefuseRefund
OperatorCommand = m.FreezeTrade | m.UnfreezeTrade
PartyCommand: TypeAlias = BuyerCommand | SellerCommand | OperatorCommand
TradeTimer: TypeAlias = m.TimeOutPayment | m.AutoConfirmReceipt | m.AutoAgreeRefund
TradeWish: TypeAlias = m.CreateTrade | PartyCommand | m.TakePayment | TradeTimer

DEADLINES = policy_key(POLICY)
ROLES: Mapping[type[Wish], str] = {
    command: role
    for role, commands in (
        ("buyer", BuyerCommand),
        ("seller", SellerCommand),
        ("operator", OperatorCommand),
    )
    for command in get_args(commands)
}
"""Who may send a command."""
EXPECTED: Mapping[type[Wish], Status] = {
    m.ShipTrade: "WAIT_SELLER_SEND_GOODS",
    m.ExtendReceipt: "WAIT_BUYER_CONFIRM_GOODS",
    m.ConfirmReceipt: "WAIT_BUYER_CONFIRM_GOODS",
    m.CancelTrade: "WAIT_BUYER_PAY",
}
"""The state in which a command moves a trade along."""


def decide(wish: TradeWish, trade: Trade, facts: Facts) -> Decision:
    """Answer with the facts the wish causes, or with the one reason it is refused."""
    match wish:
        case m.CreateTrade():
            return _create(wish, trade, facts)
        case m.TakePayment():
            return _take_payment(wish, trade)
        case m.TimeOutPayment() | m.AutoConfirmReceipt() | m.AutoAgreeRefund():
            return _on_timer(wish, trade, facts)
        case _:
            return _of_party(wish, trade, facts)


def needs(wish: Wish, trade: Trade) -> Needs:
    """Say what a decision asks for beyond its own stream."""
    match wish:
        case m.CreateTrade():
            return Needs(facts=(account_key(wish.seller), DEADLINES))
        case m.ApplyRefund():
            return Needs(facts=(DEADLINES,))
        case m.TakePayment() if _return_reason(wish, trade) is not None:
            return Needs(streams=(f"return/{wish.payment_id}",))
        case _:
            return NOTHING


def _create(command: m.CreateTrade, trade: Trade, facts: Facts) -> Decision:
    seller = facts.account(command.seller)
    if seller is None:
        return Rejected(Code.SELLER_UNKNOWN, {"seller": command.seller})
    if seller.kind != "merchant":
        return Rejected(Code.SELLER_NOT_MERCHANT, {"seller": command.seller})
    if trade.status:
        return Rejected(Code.TRADE_EXISTS, {"trade_id": command.trade_id})
    if seller.currency != command.amount.currency:
        return Rejected(Code.CURRENCY_MISMATCH, {"currency": seller.currency})
    if command.buyer == command.seller:
        return Rejected(Code.BUYER_IS_SELLER, {"seller": command.seller})
    version, deadlines = facts.policy(POLICY, EscrowDeadlines)
    pay_within_s = command.pay_within_s or deadlines.pay_within_s
    created = m.TradeCreated(
        trade_id=command.trade_id,
        buyer=command.buyer,
        seller=command.seller,
        amount=command.amount,
        title=command.title,
        pay_within_s=pay_within_s,
        ship_within_s=command.ship_within_s or deadlines.ship_within_s,
        auto_confirm_s=command.auto_confirm_s or deadlines.auto_confirm_s,
        pay_by=facts.now + timedelta(seconds=pay_within_s),
        policy_version=version,
    )
    return [created]


def _take_payment(wish: m.TakePayment, trade: Trade) -> Decision:
    reason = _return_reason(wish, trade)
    payment_id, trade_id, payer = wish.payment_id, wish.trade_id, wish.payer
    if reason is None:
        funded = m.TradeFunded(
            trade_id=trade_id, payment_id=payment_id, payer=payer, amount=wish.amount
        )
        return [funded]
    returned = m.PaymentReturned(
        payment_id=payment_id, trade_id=trade_id, payer=payer, amount=wish.amount, reason=reason
    )
    return [returned]


def _return_reason(wish: m.TakePayment, trade: Trade) -> ReturnReason | None:
    if not trade.status:
        return ReturnReason.TRADE_UNKNOWN
    if trade.status == "TRADE_CLOSED":
        return ReturnReason.TRADE_CLOSED
    if trade.status != "WAIT_BUYER_PAY":
        return ReturnReason.ALREADY_PAID
    if wish.payer != trade.buyer:
        return ReturnReason.WRONG_PAYER
    if wish.amount.minor != trade.amount:
        return ReturnReason.WRONG_AMOUNT
    if wish.amount.currency != trade.currency:
        return ReturnReason.WRONG_CURRENCY
    return None


def _of_party(command: PartyCommand, trade: Trade, facts: Facts) -> Decision:
    """Check what every party's command is checked for, then decide."""
    if not trade.status:
        return Rejected(Code.TRADE_UNKNOWN, {"trade_id": command.trade_id})
    role = ROLES[type(command)]
    parties = {"buyer": trade.buyer, "seller": trade.seller, "operator": None}
    if refused := refuse_actor(facts.actor, role, parties[role]):
        return refused
    match command:
        case m.AgreeRefund() | m.RefuseRefund() | m.CancelRefund():
            return answer_refund(command, trade, facts)
        case m.ApplyRefund():
            return apply_refund(command, trade, facts)
        case m.FreezeTrade() | m.UnfreezeTrade():
            return _freeze(command, trade, facts)
        case _:
            return _advance(command, trade, facts)


def _advance(
    command: m.ShipTrade | m.ExtendReceipt | m.ConfirmReceipt | m.CancelTrade,
    trade: Trade,
    facts: Facts,
) -> Decision:
    """Move the trade along its main path."""
    trade_id = command.trade_id
    if trade.frozen and not isinstance(command, m.ShipTrade):
        return Rejected(Code.TRADE_FROZEN, {"trade_id": trade_id})
    if trade.status != EXPECTED[type(command)]:
        return wrong_state(trade)
    match command:
        case m.ShipTrade():
            paused = trade.frozen or trade.open_refund is not None
            at = None if paused else facts.now + timedelta(seconds=trade.auto_confirm_s)
            shipped = m.TradeShipped(
                trade_id=trade_id,
                carrier=command.carrier,
                tracking_no=command.tracking_no,
                auto_confirm_at=at,
            )
            return [shipped]
        case m.ExtendReceipt():
            if trade.extended:
                return Rejected(Code.EXTENSION_LIMIT, {"extensions_max": 1})
            assert trade.auto_confirm is not None
            at = trade.auto_confirm.at and trade.auto_confirm.at + timedelta(days=command.days)
            return [m.ReceiptExtended(trade_id=trade_id, days=command.days, auto_confirm_at=at)]
        case m.ConfirmReceipt():
            if trade.open_refund is not None:
                return Rejected(Code.REFUND_OPEN, {"refund_id": trade.open_refund})
            return [released(trade, "buyer")]
        case m.CancelTrade():
            return [closed(trade, "cancelled")]
        case _:
            assert_never(command)


def _freeze(command: m.FreezeTrade | m.UnfreezeTrade, trade: Trade, facts: Facts) -> Decision:
    freezing = isinstance(command, m.FreezeTrade)
    if trade.status in OVER or trade.frozen == freezing:
        return wrong_state(trade)
    trade_id, reason, now = trade.trade_id, command.reason, facts.now
    if freezing:
        return [m.TradeFrozen(trade_id=trade_id, reason=reason, frozen_at=now)]

    waiting = trade.open_refund is not None
    confirms = trade.auto_confirm is not None and not waiting
    unfrozen = m.TradeUnfrozen(
        trade_id=trade_id,
        reason=reason,
        unfrozen_at=now,
        pay_by=now + trade.pay.left if trade.pay else None,
        auto_confirm_at=now + trade.auto_confirm.left if trade.auto_confirm and confirms else None,
        agree_by=now + trade.agree.left if trade.agree and waiting else None,
    )
    return [unfrozen]


def _on_timer(timer: TradeTimer, trade: Trade, facts: Facts) -> Decision:
    """A deadline has come: it takes effect only if the trade still expects it."""
    countdown = {
        m.TimeOutPayment: trade.pay,
        m.AutoConfirmReceipt: trade.auto_confirm,
        m.AutoAgreeRefund: trade.agree,
    }[type(timer)]
    if countdown is None or not countdown.is_due(timer.generation, facts.now):
        return []
    match timer:
        case m.TimeOutPayment():
            return [closed(trade, "pay_timeout")]
        case m.AutoConfirmReceipt():
            return [released(trade, "timer")]
        case m.AutoAgreeRefund():
            return pay_back(trade, facts)
        case _:
            assert_never(timer)


decider = Decider(
    category="trade",
    initial=Trade(),
    decide=decide,
    evolve=evolve,
    needs=needs,
    timers=timers,
    stream_of=lambda wish: f"trade/{wish.trade_id}",
    commands=(
        m.CreateTrade,
        m.ShipTrade,
        m.ExtendReceipt,
        m.ConfirmReceipt,
        m.CancelTrade,
        m.ApplyRefund,
        m.AgreeRefund,
        m.RefuseRefund,
        m.CancelRefund,
        m.FreezeTrade,
        m.UnfreezeTrade,
        m.TakePayment,
        m.TimeOutPayment,
        m.AutoConfirmReceipt,
        m.AutoAgreeRefund,
    ),
    events=(
        m.TradeCreated,
        m.TradeFunded,
        m.TradeShipped,
        m.ReceiptExtended,
        m.TradeReleased,
        m.TradeClosed,
        m.RefundApplied,
        m.TradeRefunded,
        m.RefundRefused,
        m.RefundCancelled,
        m.TradeFrozen,
        m.TradeUnfrozen,
    ),
)
