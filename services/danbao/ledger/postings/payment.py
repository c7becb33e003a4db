"""Payment: "Escrow paid from balance" (domain 3.3)."""

from danbao.contracts import authorization
from danbao.contracts.chart import escrow, wallet
from danbao.ledger.posting import Posting, Rules, post


def payment_captured(event: authorization.PaymentCaptured) -> tuple[Posting, ...]:
    """The payer's money is held for the trade."""
    return post(wallet(event.payer), escrow(event.trade_id), event.amount)


RULES: Rules = {authorization.PaymentCaptured: payment_captured}
