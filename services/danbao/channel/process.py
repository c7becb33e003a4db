"""What the channel does when other services speak: pure, event -> reactions."""

from danbao.contracts import accounts, channel, settlement
from danbao.contracts.decider import Recorded


def on_top_up_requested(
    event: accounts.TopUpRequested, _recorded: Recorded
) -> list[channel.SubmitOrder]:
    """Collect the money from the card."""
    order = channel.SubmitOrder(
        kind="top_up",
        reference=event.top_up_id,
        account_id=event.account_id,
        amount=event.amount,
        token=event.bank_card,
    )
    return [order]


def on_top_up_settled(
    event: accounts.TopUpSettled, _recorded: Recorded
) -> list[channel.RecordReceipt]:
    """The sandbox bank receives the money of each settled top-up."""
    return [channel.RecordReceipt(reference=event.top_up_id)]


def on_payout_requested(
    event: settlement.PayoutRequested, _recorded: Recorded
) -> list[channel.SubmitOrder]:
    """Pay the merchant's bank."""
    order = channel.SubmitOrder(
        kind="payout",
        reference=event.payout_id,
        account_id=event.merchant,
        amount=event.amount,
        token=event.payout_bank,
    )
    return [order]
