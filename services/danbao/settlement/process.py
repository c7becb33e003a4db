"""What settlement does when other services speak: pure, event -> reactions."""

from danbao.contracts import channel, escrow, settlement
from danbao.contracts.decider import Recorded


def on_trade_released(
    event: escrow.TradeReleased, _recorded: Recorded
) -> list[settlement.RecordCredit]:
    """A released trade is a credit of its seller."""
    credit = settlement.RecordCredit(
        trade_id=event.trade_id, merchant=event.seller, amount=event.amount
    )
    return [credit]


def on_order_ended(
    event: channel.OrderSucceeded | channel.OrderFailed, _recorded: Recorded
) -> list[settlement.ConcludePayout]:
    """The channel has answered; top-ups are not ours."""
    if event.kind != "payout":
        return []
    conclusion = settlement.ConcludePayout(
        payout_id=event.reference,
        merchant=event.account_id,
        amount=event.amount,
        reason=event.reason if isinstance(event, channel.OrderFailed) else None,
    )
    return [conclusion]
