"""Merchant: fees and payouts (architecture 9, rows 10 and 11; fee mirror rule of domain 3.3)."""

from danbao.contracts import settlement
from danbao.contracts.chart import (
    DUE_FROM_RESERVE,
    DUE_TO_OWN_FUNDS,
    FEE_INCOME,
    PAYOUT_IN_TRANSIT,
    RESERVE_BANK,
    merchant_available,
    merchant_pending,
)
from danbao.ledger.posting import Posting, Rules, post


def window_closed(event: settlement.WindowClosed) -> tuple[Posting, ...]:
    """The net becomes available; the fee belongs to own funds, and is mirrored in book O."""
    pending = merchant_pending(event.merchant)
    return (
        *post(pending, merchant_available(event.merchant), event.net),
        *post(pending, DUE_TO_OWN_FUNDS, event.fee),
        *post(DUE_FROM_RESERVE, FEE_INCOME, event.fee),
    )


def payout_requested(event: settlement.PayoutRequested) -> tuple[Posting, ...]:
    """The money is on its way out."""
    return post(merchant_available(event.merchant), PAYOUT_IN_TRANSIT, event.amount)


def payout_paid(event: settlement.PayoutPaid) -> tuple[Posting, ...]:
    """The money left the bank."""
    return post(PAYOUT_IN_TRANSIT, RESERVE_BANK, event.amount)


def payout_failed(event: settlement.PayoutFailed) -> tuple[Posting, ...]:
    """The money stayed: it is available to the merchant again."""
    return post(PAYOUT_IN_TRANSIT, merchant_available(event.merchant), event.amount)


RULES: Rules = {
    settlement.WindowClosed: window_closed,
    settlement.PayoutRequested: payout_requested,
    settlement.PayoutPaid: payout_paid,
    settlement.PayoutFailed: payout_failed,
}
