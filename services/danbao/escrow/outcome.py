"""How a trade ends, and the refusal that fits every state."""

from danbao.contracts import escrow as m
from danbao.contracts.money import Money
from danbao.contracts.rejection import Rejected, RejectionCode
from danbao.escrow.state import Trade


def released(trade: Trade, cause: m.ReleaseCause) -> m.TradeReleased:
    """What is still held goes to the seller."""
    amount = Money(trade.held, trade.currency)
    return m.TradeReleased(trade_id=trade.trade_id, seller=trade.seller, amount=amount, cause=cause)


def closed(trade: Trade, reason: m.CloseReason) -> m.TradeClosed:
    """The trade ends without a release."""
    total = Money(trade.refunded, trade.currency)
    return m.TradeClosed(trade_id=trade.trade_id, reason=reason, refunded_total=total)


def wrong_state(trade: Trade) -> Rejected:
    """Refuse, naming the state the trade is in."""
    return Rejected(RejectionCode.WRONG_STATE, {"state": trade.status, "frozen": trade.frozen})
