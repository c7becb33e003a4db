"""The state of an escrow trade, and how each fact changes it (domain 2.1).

Invariant after every event: 0 <= released + refunded <= paid, in minor units of one currency;
what is neither released nor refunded is held.
"""

from datetime import timedelta
from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from danbao.contracts import escrow as m
from danbao.contracts.decider import Deadline
from danbao.escrow.countdown import Countdown

Status = Literal[
    "",
    "WAIT_BUYER_PAY",
    "WAIT_SELLER_SEND_GOODS",
    "WAIT_BUYER_CONFIRM_GOODS",
    "TRADE_SUCCESS",
    "TRADE_CLOSED",
]
PAID = ("WAIT_SELLER_SEND_GOODS", "WAIT_BUYER_CONFIRM_GOODS")
OVER = ("TRADE_SUCCESS", "TRADE_CLOSED")

RESUME_AT_LEAST = timedelta(hours=24)
"""After a refund auto-confirm runs for at least this, or the trade's own span if shorter."""

TradeFact = (
    m.TradeCreated
    | m.TradeFunded
    | m.TradeShipped
    | m.ReceiptExtended
    | m.TradeReleased
    | m.TradeClosed
    | m.RefundApplied
    | m.TradeRefunded
    | m.RefundRefused
    | m.RefundCancelled
    | m.TradeFrozen
    | m.TradeUnfrozen
)


class Trade(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One trade; `status` is empty before it is created."""

    status: Status = ""
    trade_id: str = ""
    buyer: str = ""
    seller: str = ""
    currency: str = ""
    amount: int = 0
    paid: int = 0
    released: int = 0
    refunded: int = 0
    auto_confirm_s: int = 0
    extended: bool = False
    frozen: bool = False
    refunds: tuple[str, ...] = ()
    open_refund: str | None = None
    open_refund_amount: int = 0
    pay: Countdown | None = None
    agree: Countdown | None = None
    auto_confirm: Countdown | None = None

    @property
    def held(self) -> int:
        """Minor units that are still held."""
        return self.paid - self.released - self.refunded

    def resumed_left(self) -> timedelta:
        """What auto-confirm has left once the open refund has ended (contract, after the table)."""
        assert self.auto_confirm is not None
        floor = min(RESUME_AT_LEAST, timedelta(seconds=self.auto_confirm_s))
        return max(self.auto_confirm.left, floor)


def evolve(trade: Trade, event: TradeFact) -> Trade:  # noqa: C901 - one case an event
    """Apply one fact.  Facts are never refused; a broken one is a bug and stops the process."""
    match event:
        case m.TradeCreated():
            after = _created(event)
        case m.TradeFunded():
            after = replace(
                trade, status="WAIT_SELLER_SEND_GOODS", paid=event.amount.minor, pay=None
            )
        case m.TradeShipped():
            countdown = Countdown()
            after = replace(
                trade,
                status="WAIT_BUYER_CONFIRM_GOODS",
                auto_confirm=countdown.run(event.auto_confirm_at)
                if event.auto_confirm_at
                else countdown.hold(timedelta(seconds=trade.auto_confirm_s)),
            )
        case m.ReceiptExtended():
            after = replace(trade, extended=True, auto_confirm=_extended(trade, event))
        case m.TradeReleased():
            after = _over(trade, "TRADE_SUCCESS", released=event.amount.minor)
        case m.TradeClosed():
            after = _over(trade, "TRADE_CLOSED", released=0)
        case m.RefundApplied():
            after = _refund_applied(trade, event)
        case m.TradeRefunded():
            refunded = trade.refunded + event.amount.minor
            after = replace(_refund_ended(trade, event), refunded=refunded)
        case m.RefundRefused() | m.RefundCancelled():
            after = _refund_ended(trade, event)
        case m.TradeFrozen():
            after = _frozen(trade, event)
        case m.TradeUnfrozen():
            after = _unfrozen(trade, event)
        case _:
            assert_never(event)
    assert after.held >= 0
    assert after.held == 0 or after.status in PAID
    return after


def timers(trade: Trade) -> tuple[Deadline, ...]:
    """The deadlines that run: none while the trade is frozen."""
    key = trade.trade_id
    running: list[Deadline] = []
    if (pay := trade.pay) and pay.at:
        command = m.TimeOutPayment(trade_id=key, generation=pay.generation)
        running.append(Deadline(pay.at, command))
    if (confirm := trade.auto_confirm) and confirm.at:
        command_ = m.AutoConfirmReceipt(trade_id=key, generation=confirm.generation)
        running.append(Deadline(confirm.at, command_))
    if (agree := trade.agree) and agree.at:
        agreement = m.AutoAgreeRefund(trade_id=key, generation=agree.generation)
        running.append(Deadline(agree.at, agreement))
    return tuple(running)


def _created(event: m.TradeCreated) -> Trade:
    return Trade(
        status="WAIT_BUYER_PAY",
        trade_id=event.trade_id,
        buyer=event.buyer,
        seller=event.seller,
        currency=event.amount.currency,
        amount=event.amount.minor,
        auto_confirm_s=event.auto_confirm_s,
        pay=Countdown().run(event.pay_by),
    )


def _over(trade: Trade, status: Status, released: int) -> Trade:
    """The trade has ended: nothing runs any more."""
    return replace(
        trade,
        status=status,
        released=released,
        pay=None,
        agree=None,
        auto_confirm=None,
        open_refund=None,
        open_refund_amount=0,
    )


def _extended(trade: Trade, event: m.ReceiptExtended) -> Countdown:
    """Auto-confirm with the days added, running or paused."""
    assert trade.auto_confirm is not None
    if event.auto_confirm_at is not None:
        return trade.auto_confirm.run(event.auto_confirm_at)
    return trade.auto_confirm.hold(trade.auto_confirm.left + timedelta(days=event.days))


def _refund_applied(trade: Trade, event: m.RefundApplied) -> Trade:
    """The seller's answer is awaited, and auto-confirm stands still."""
    agree = trade.agree or Countdown()
    return replace(
        trade,
        refunds=(*trade.refunds, event.refund_id),
        open_refund=event.refund_id,
        open_refund_amount=event.amount.minor,
        agree=agree.run(event.agree_by)
        if event.agree_by
        else agree.hold(timedelta(seconds=event.answer_within_s)),
        auto_confirm=trade.auto_confirm and trade.auto_confirm.pause(event.applied_at),
    )


def _refund_ended(
    trade: Trade, event: m.TradeRefunded | m.RefundRefused | m.RefundCancelled
) -> Trade:
    """The refund has its answer; auto-confirm goes on, unless the trade is frozen.

    The countdown of the answer is kept, paused, so that the next refund's timer has a generation
    of its own.
    """
    confirm = trade.auto_confirm
    if confirm is not None:
        confirm = (
            confirm.run(event.auto_confirm_at)
            if event.auto_confirm_at
            else confirm.hold(trade.resumed_left())
        )
    assert trade.agree is not None
    return replace(
        trade,
        open_refund=None,
        open_refund_amount=0,
        agree=trade.agree.hold(timedelta(0)),
        auto_confirm=confirm,
    )


def _frozen(trade: Trade, event: m.TradeFrozen) -> Trade:
    at = event.frozen_at
    return replace(
        trade,
        frozen=True,
        pay=trade.pay and trade.pay.pause(at),
        agree=trade.agree and trade.agree.pause(at),
        auto_confirm=trade.auto_confirm and trade.auto_confirm.pause(at),
    )


def _unfrozen(trade: Trade, event: m.TradeUnfrozen) -> Trade:
    return replace(
        trade,
        frozen=False,
        pay=trade.pay.run(event.pay_by) if trade.pay and event.pay_by else trade.pay,
        agree=trade.agree.run(event.agree_by) if trade.agree and event.agree_by else trade.agree,
        auto_confirm=trade.auto_confirm.run(event.auto_confirm_at)
        if trade.auto_confirm and event.auto_confirm_at
        else trade.auto_confirm,
    )
