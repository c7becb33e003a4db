"""What accounts does when other services speak: pure, event -> reactions."""

from danbao.contracts import accounts, channel
from danbao.contracts.decider import Recorded


def on_order_ended(
    event: channel.OrderSucceeded | channel.OrderFailed, _recorded: Recorded
) -> list[accounts.ConcludeTopUp]:
    """The channel has answered; payouts are not ours."""
    if event.kind != "top_up":
        return []
    reason = event.reason if isinstance(event, channel.OrderFailed) else None
    return [accounts.ConcludeTopUp(top_up_id=event.reference, reason=reason)]
