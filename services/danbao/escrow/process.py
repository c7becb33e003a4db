"""What escrow does when other services speak: pure, event -> reactions."""

from danbao.contracts import authorization, escrow
from danbao.contracts.decider import Recorded


def on_payment_captured(
    event: authorization.PaymentCaptured, _recorded: Recorded
) -> list[escrow.TakePayment]:
    """A captured payment is held for its trade, or returned."""
    payment = escrow.TakePayment(
        payment_id=event.payment_id,
        trade_id=event.trade_id,
        payer=event.payer,
        amount=event.amount,
    )
    return [payment]
