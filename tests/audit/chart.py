"""The chart of accounts: which book, which normal side (domain.md, 3.1).

Codes on the wire look like `R.CUST.<id>.AVAILABLE`, `R.ESCROW.<trade>`, `R.CB` or
`R.CB.<currency>`. Ids may hold dots, so an account is known by its first two parts and, for a
customer's wallet, by its last.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Literal

Side = Literal[1, -1]
DEBIT: Final[Side] = 1
CREDIT: Final[Side] = -1

SIDES: Final[dict[str, Side]] = {
    **dict.fromkeys(("R.CB", "R.BANK", "R.CHRECV", "R.SHORT", "R.DUE_FROM_O"), DEBIT),
    **dict.fromkeys(
        (
            *("R.CUST", "R.ESCROW", "R.HOLD", "R.XFER", "R.PKT", "R.MPEND", "R.MAVL", "R.MDEP"),
            *("R.SPLIT", "R.PAYOUT", "R.UNID", "R.BATCH", "R.FXPOS", "R.PART", "R.DUE_TO_O"),
        ),
        CREDIT,
    ),
    **dict.fromkeys(("O.BANK", "O.DUE_FROM_R", "O.ADV", "O.RISKFUND", "O.EXP"), DEBIT),
    **dict.fromkeys(("O.CAPITAL", "O.DUE_TO_R", "O.CHFEE_PAY", "O.CLAIM", "O.INC"), CREDIT),
    **dict.fromkeys(("L.FLOAT_R", "L.BANK", "L.PRIN", "L.INTRECV", "L.FEERECV", "L.EXP"), DEBIT),
    **dict.fromkeys(("L.FUNDING", "L.INC", "L.ALLOW"), CREDIT),
    **dict.fromkeys(("F.FLOAT_R", "F.CUSTODY"), DEBIT),
    **dict.fromkeys(("F.SUBPEND", "F.UNITS", "F.REDPAY", "F.T0BANK"), CREDIT),
}

SIGNLESS: Final = {"R.FXPOS"}
"""Accounts that may stand on either side (R.FXPOS: "Cr/Dr")."""

OWNED: Final = {
    *("R.ESCROW", "R.HOLD", "R.XFER", "R.PKT", "R.MPEND", "R.MAVL", "R.MDEP", "R.SPLIT"),
    "R.BATCH",
}
"""Accounts that belong to somebody or something: the code ends in an id."""

MIRRORS: Final = {
    "R.DUE_FROM_O": "O.DUE_TO_R",
    "R.DUE_TO_O": "O.DUE_FROM_R",
    "R.PART.L": "L.FLOAT_R",
    "R.PART.F": "F.FLOAT_R",
}
"""Accounts of two books that say the same (domain.md, 3.2, I4)."""

_REFLECTED: Final = {mirror: account for account, mirror in MIRRORS.items()}
_SUFFIXED: Final = {"R.CB", "R.CHRECV", "R.PAYOUT", "R.BANK", "R.SHORT", "R.UNID"}


@lru_cache(maxsize=1 << 20)
def side_of(account: str) -> Side | None:
    """Return the normal side of an account, or None when the chart has no such account."""
    parts = account.split(".")
    head = ".".join(parts[:2])
    side = SIDES.get(head)
    if side is None:
        return None
    if head == "R.CUST":
        named = parts[-1] in ("AVAILABLE", "FROZEN") and any(parts[2:-1])
        return side if named else None
    if head in OWNED and not any(parts[2:]):
        return None
    return side


@lru_cache(maxsize=1 << 20)
def is_signless(account: str) -> bool:
    """Say whether an account may fall below zero on its normal side."""
    return ".".join(account.split(".")[:2]) in SIGNLESS


@lru_cache(maxsize=1 << 20)
def pool_of(account: str) -> str:
    """Leave out the channel or currency that may follow a pooled account (`R.CB.CNY`).

    `R.DUE_TO_O`, `R.PART.L` and their mirrors are pooled too, for I4.
    """
    parts = account.split(".")
    head = ".".join(parts[:2])
    if head in _SUFFIXED or head in MIRRORS or head in _REFLECTED:
        return head
    third = ".".join(parts[:3])
    return third if third in MIRRORS or head == "O.INC" else account


@lru_cache(maxsize=1 << 20)
def mirror_of(account: str) -> tuple[str, str] | None:
    """Return the pair of pools that must agree when this account moves, reserve side first."""
    pool = pool_of(account)
    if pool in MIRRORS:
        return pool, MIRRORS[pool]
    if pool in _REFLECTED:
        return _REFLECTED[pool], pool
    return None


def customer_of(account: str) -> str | None:
    """Return whose available wallet an account is, or None."""
    if account.startswith("R.CUST.") and account.endswith(".AVAILABLE"):
        return account[len("R.CUST.") : -len(".AVAILABLE")]
    return None
