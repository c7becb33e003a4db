"""Returned payment: the trade could not take it, so the payer has it back (contract)."""

from danbao.contracts import escrow
from danbao.contracts.chart import escrow as held_for
from danbao.contracts.chart import wallet
from danbao.ledger.posting import Posting, Rules, post


def payment_returned(event: escrow.PaymentReturned) -> tuple[Posting, ...]:
    """What was held for the trade goes back to the payer, also to a frozen one."""
    return post(held_for(event.trade_id), wallet(event.payer), event.amount)


RULES: Rules = {escrow.PaymentReturned: payment_returned}
