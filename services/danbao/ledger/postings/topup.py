"""Top-up: "Top-up by bank card, channel ok" (domain 3.3)."""

from danbao.contracts import accounts
from danbao.contracts.chart import CHANNEL_RECEIVABLE, wallet
from danbao.ledger.posting import Posting, Rules, post


def top_up_settled(event: accounts.TopUpSettled) -> tuple[Posting, ...]:
    """The channel owes us the money, we owe it to the customer."""
    return post(CHANNEL_RECEIVABLE, wallet(event.account_id), event.amount)


RULES: Rules = {accounts.TopUpSettled: top_up_settled}
