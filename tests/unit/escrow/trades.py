"""One trade in every situation: the facts that led there, and a wish of every kind."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from danbao.contracts import escrow as m
from danbao.contracts.decider import Wish
from danbao.contracts.message import Event
from danbao.contracts.rejection import ReturnReason
from danbao.escrow.state import Trade
from danbao.escrow.trade import decider
from danbao.testing.builders import START, Shared, account, fen
from danbao.testing.spec import Given, given

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PRICE = fen(10_000)
SELLER: Shared = account("S-1", kind="merchant")

CREATE = m.CreateTrade(trade_id="T-1", buyer="B-1", seller="S-1", amount=PRICE, title="Tea, 250 g")
SHIP = m.ShipTrade(trade_id="T-1", carrier="SF", tracking_no="SF-1")
EXTEND = m.ExtendReceipt(trade_id="T-1", days=3)
CONFIRM = m.ConfirmReceipt(trade_id="T-1")
CANCEL = m.CancelTrade(trade_id="T-1", reason="changed my mind")
APPLY = m.ApplyRefund(
    trade_id="T-1", refund_id="R-9", amount=fen(100), kind="money_only", reason="stale"
)
AGREE = m.AgreeRefund(trade_id="T-1", refund_id="R-1")
REFUSE = m.RefuseRefund(trade_id="T-1", refund_id="R-1")
CANCEL_REFUND = m.CancelRefund(trade_id="T-1", refund_id="R-1")
FREEZE = m.FreezeTrade(trade_id="T-1", reason="court order 7")
UNFREEZE = m.UnfreezeTrade(trade_id="T-1", reason="court order 8")
PAY = m.TakePayment(payment_id="P-1", trade_id="T-1", payer="B-1", amount=PRICE)

CREATED = m.TradeCreated(
    trade_id="T-1",
    buyer="B-1",
    seller="S-1",
    amount=PRICE,
    title="Tea, 250 g",
    pay_within_s=1_800,
    ship_within_s=172_800,
    auto_confirm_s=864_000,
    pay_by=START + timedelta(minutes=30),
    policy_version=0,
)
FUNDED = m.TradeFunded(trade_id="T-1", payment_id="P-1", payer="B-1", amount=PRICE)
SHIPPED = m.TradeShipped(
    trade_id="T-1", carrier="SF", tracking_no="SF-1", auto_confirm_at=START + 10 * DAY
)
EXTENDED = m.ReceiptExtended(trade_id="T-1", days=3, auto_confirm_at=START + 13 * DAY)
RELEASED = m.TradeReleased(trade_id="T-1", seller="S-1", amount=PRICE, cause="buyer")
FROZEN = m.TradeFrozen(trade_id="T-1", reason="court order 7", frozen_at=START)


def closed(reason: m.CloseReason, refunded_total: int = 0) -> m.TradeClosed:
    """The trade ended without a release."""
    return m.TradeClosed(trade_id="T-1", reason=reason, refunded_total=fen(refunded_total))


def applied(
    refund_id: str = "R-1", minor: int = 2_500, *, at: datetime = START, frozen: bool = False
) -> m.RefundApplied:
    """A refund that awaits its answer for two days."""
    return m.RefundApplied(
        trade_id="T-1",
        refund_id=refund_id,
        amount=fen(minor),
        kind="money_only",
        reason="stale",
        agree_by=None if frozen else at + 2 * DAY,
        applied_at=at,
        answer_within_s=172_800,
        policy_version=0,
    )


def refused(refund_id: str = "R-1", *, auto_confirm_at: datetime | None = None) -> m.RefundRefused:
    """The seller refused it."""
    return m.RefundRefused(trade_id="T-1", refund_id=refund_id, auto_confirm_at=auto_confirm_at)


def refunded(
    refund_id: str = "R-1",
    minor: int = 2_500,
    total: int = 2_500,
    *,
    auto_confirm_at: datetime | None = None,
) -> m.TradeRefunded:
    """The buyer has it back."""
    return m.TradeRefunded(
        trade_id="T-1",
        refund_id=refund_id,
        buyer="B-1",
        amount=fen(minor),
        refunded_total=fen(total),
        auto_confirm_at=auto_confirm_at,
    )


def returned(reason: str, payment: m.TakePayment = PAY) -> m.PaymentReturned:
    """A payment went back to its payer."""
    return m.PaymentReturned(
        payment_id=payment.payment_id,
        trade_id=payment.trade_id,
        payer=payment.payer,
        amount=payment.amount,
        reason=ReturnReason(reason),
    )


PAID: tuple[Event, ...] = (CREATED, FUNDED)
SENT: tuple[Event, ...] = (CREATED, FUNDED, SHIPPED)
ENDED_AT = START + 10 * DAY

SITUATIONS: Mapping[str, tuple[Event, ...]] = {
    "unknown": (),
    "unpaid": (CREATED,),
    "unpaid frozen": (CREATED, FROZEN),
    "paid": PAID,
    "paid frozen": (*PAID, FROZEN),
    "paid open": (*PAID, applied()),
    "paid open frozen": (*PAID, applied(), FROZEN),
    "paid ended": (*PAID, applied(), refused()),
    "paid ended frozen": (*PAID, applied(), refused(), FROZEN),
    "sent": SENT,
    "sent frozen": (*SENT, FROZEN),
    "sent open": (*SENT, applied()),
    "sent open frozen": (*SENT, applied(), FROZEN),
    "sent ended": (*SENT, applied(), refused(auto_confirm_at=ENDED_AT)),
    "sent ended frozen": (*SENT, applied(), refused(auto_confirm_at=ENDED_AT), FROZEN),
    "extended": (*SENT, EXTENDED),
    "extended frozen": (*SENT, EXTENDED, FROZEN),
    "released": (*SENT, RELEASED),
    "released ended": (*SENT, applied(), refused(auto_confirm_at=ENDED_AT), RELEASED),
    "cancelled": (CREATED, closed("cancelled")),
    "timed out": (CREATED, closed("pay_timeout")),
    "refunded": (
        *PAID,
        applied(minor=10_000),
        refunded(minor=10_000, total=10_000),
        closed("refunded", 10_000),
    ),
}
"""By name; "open" and "ended" say what became of the refund R-1, if there was one."""


def trade(*events: Event) -> Given[Trade]:
    """Begin a specification about the trade T-1 of the merchant S-1."""
    return given(decider, *events).sharing(SELLER)


def timers_of(state: Trade) -> Mapping[str, Wish]:
    """Each timer of the trade in its latest generation, whether it runs or not."""
    pay, confirm, agree = state.pay, state.auto_confirm, state.agree
    return {
        "pay_timeout": m.TimeOutPayment(trade_id="T-1", generation=pay.generation if pay else 1),
        "auto_confirm": m.AutoConfirmReceipt(
            trade_id="T-1", generation=confirm.generation if confirm else 1
        ),
        "auto_agree": m.AutoAgreeRefund(
            trade_id="T-1", generation=agree.generation if agree else 1
        ),
    }


COMMANDS: Mapping[str, Wish] = {
    "create": CREATE,
    "ship": SHIP,
    "extend": EXTEND,
    "confirm": CONFIRM,
    "cancel": CANCEL,
    "apply": APPLY,
    "agree": AGREE,
    "refuse": REFUSE,
    "withdraw": CANCEL_REFUND,
    "freeze": FREEZE,
    "unfreeze": UNFREEZE,
    "pay": PAY,
}
"""One wish of each kind but timers; answers are about R-1, a new refund is R-9."""
