"""Channel order: "Channel settles gross" (domain 3.3)."""

from danbao.contracts import channel
from danbao.contracts.chart import CHANNEL_RECEIVABLE, RESERVE_BANK
from danbao.ledger.posting import Posting, Rules, post


def funds_received(event: channel.FundsReceived) -> tuple[Posting, ...]:
    """The channel paid what it owed into our bank account."""
    return post(RESERVE_BANK, CHANNEL_RECEIVABLE, event.amount)


RULES: Rules = {channel.FundsReceived: funds_received}
