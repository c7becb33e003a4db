"""Trade: what is held goes to the seller or back to the buyer (architecture 9)."""

from danbao.contracts import escrow
from danbao.contracts.chart import escrow as held_for
from danbao.contracts.chart import merchant_pending, wallet
from danbao.ledger.posting import Posting, Rules, post


def trade_released(event: escrow.TradeReleased) -> tuple[Posting, ...]:
    """The seller has earned it; it is pending until the window closes."""
    return post(held_for(event.trade_id), merchant_pending(event.seller), event.amount)


def trade_refunded(event: escrow.TradeRefunded) -> tuple[Posting, ...]:
    """The buyer has it back."""
    return post(held_for(event.trade_id), wallet(event.buyer), event.amount)


RULES: Rules = {escrow.TradeReleased: trade_released, escrow.TradeRefunded: trade_refunded}
