"""All posting rules, by event: an event that is not here moves no money."""

from danbao.contracts.message import Event
from danbao.ledger.posting import Posting, Rules
from danbao.ledger.postings import merchant, order, payment, payment_return, topup, trade

RULES: Rules = {
    **topup.RULES,
    **order.RULES,
    **payment.RULES,
    **payment_return.RULES,
    **trade.RULES,
    **merchant.RULES,
}


def postings_of(event: Event) -> tuple[Posting, ...]:
    """The postings that an event carries."""
    rule = RULES.get(type(event))
    return () if rule is None else rule(event)
