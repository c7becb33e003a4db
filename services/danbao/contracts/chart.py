"""Chart of accounts: codes, books, normal sides, and which accounts are guarded (domain 3.1).

A code is `<book>.<class>[.<id>[.<bucket>]]`.  Book R is the customers' reserve, O our own funds.
"""

from collections.abc import Mapping

RESERVE_BANK = "R.CB"
"""Money at the bank (central-bank reserve account); debit side."""
CHANNEL_RECEIVABLE = "R.CHRECV"
"""Money a channel collected that is not at the bank yet; debit side."""
PAYOUT_IN_TRANSIT = "R.PAYOUT"
"""Payouts that the bank was asked for and has not answered; credit side."""
DUE_TO_OWN_FUNDS = "R.DUE_TO_O"
"""Fees that belong to own funds and are not swept yet; credit side."""
DUE_FROM_RESERVE = "O.DUE_FROM_R"
"""Mirror of R.DUE_TO_O in book O; debit side."""
FEE_INCOME = "O.INC.FEE"
"""Fees earned; credit side."""

DEBIT_SIDE = ("R.CB", "R.CHRECV", "R.DUE_FROM_O", "O.BANK", "O.DUE_FROM_R", "O.EXP.")
"""Prefixes of the accounts whose normal side is debit; all others are credit accounts."""

GUARDED = ("R.CUST.", "R.MPEND.", "R.MAVL.", "R.MDEP.")
"""Prefixes of the accounts that must never fall below their floor; so must the reserve bank."""

CLASSES: Mapping[str, str] = {
    RESERVE_BANK: "money at the bank",
    CHANNEL_RECEIVABLE: "collected, on its way to the bank",
    "R.CUST": "wallets",
    "R.ESCROW": "held for trades",
    "R.MPEND": "merchants, window open",
    "R.MAVL": "merchants, available",
    PAYOUT_IN_TRANSIT: "payouts on their way",
    DUE_TO_OWN_FUNDS: "fees not swept yet",
    DUE_FROM_RESERVE: "fees due from the reserve",
    FEE_INCOME: "fee income",
}


def wallet(account_id: str) -> str:
    """What a customer may spend."""
    return f"R.CUST.{account_id}.AVAILABLE"


def escrow(trade_id: str) -> str:
    """What is held for a trade."""
    return f"R.ESCROW.{trade_id}"


def merchant_pending(merchant: str) -> str:
    """Released to a merchant, window still open."""
    return f"R.MPEND.{merchant}"


def merchant_available(merchant: str) -> str:
    """What a merchant may be paid out."""
    return f"R.MAVL.{merchant}"


def is_guarded(account: str) -> bool:
    """Tell whether the account has a row in `guarded_balances` with a floor."""
    return account.startswith(GUARDED) or account == RESERVE_BANK


def is_debit_side(account: str) -> bool:
    """Tell whether a debit raises the account's balance."""
    return account.startswith(DEBIT_SIDE)


def class_of(account: str) -> str:
    """The class an account belongs to, such as `R.CUST` for `R.CUST.B-7.AVAILABLE`."""
    if account in CLASSES:
        return account
    return ".".join(account.split(".", 2)[:2])
