"""What the log adds up to: the audit's own fold, kept apart from any of the engine's.

Each check folds the part it is about; other checks, the read models and the expected figures
are held against the result. Amounts are integer minor units.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field


@dataclass(slots=True)
class Account:
    """An account, by `accounts.*` events."""

    kind: str
    currency: str
    is_frozen: bool = False


@dataclass(slots=True)
class TopUp:
    """A top-up: requested, then settled or failed."""

    account_id: str
    minor: int
    currency: str
    state: str = "requested"


@dataclass(slots=True)
class Payment:
    """A payment: requested, captured or declined; captured: funded or returned."""

    state: str = "requested"
    decision: str = ""
    trade_id: str = ""
    payer: str = ""
    minor: int = 0
    currency: str = ""


@dataclass(slots=True)
class Trade:
    """An escrow trade. `held` is what was paid and neither released nor refunded yet."""

    buyer: str
    seller: str
    minor: int
    currency: str
    state: str = "WAIT_BUYER_PAY"
    paid: int = 0
    released: int = 0
    refunded: int = 0
    is_frozen: bool = False
    is_extended: bool = False
    is_credited: bool = False
    refund_open: str | None = None
    refund_minor: int = 0
    refund_ids: set[str] = field(default_factory=set)

    @property
    def held(self) -> int:
        """What the platform still holds of it."""
        return self.paid - self.released - self.refunded


@dataclass(slots=True)
class Window:
    """A settlement window: the credits recorded in it and, once closed, its figures."""

    merchant: str
    currency: str
    gross: int = 0
    fee: int = 0
    net: int = 0
    count: int = 0
    version_min: int = 0
    version_max: int = 0
    is_closed: bool = False
    is_paid_out: bool = False


@dataclass(slots=True)
class Payout:
    """A payout: requested, then paid or failed."""

    merchant: str
    minor: int
    currency: str
    state: str = "requested"


@dataclass(slots=True)
class World:
    """Everything the folds know, by id."""

    balances: dict[tuple[str, str], int] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    top_ups: dict[str, TopUp] = field(default_factory=dict)
    payments: dict[str, Payment] = field(default_factory=dict)
    trades: dict[str, Trade] = field(default_factory=dict)
    windows: dict[str, Window] = field(default_factory=dict)
    payouts: dict[str, Payout] = field(default_factory=dict)
    last_payout: dict[str, str] = field(default_factory=dict)
    in_flight: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    types: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    declines: Counter[str] = field(default_factory=Counter)
    returns: Counter[str] = field(default_factory=Counter)

    def balance(self, account: str, currency: str) -> int:
        """Return a balance on its normal side."""
        return self.balances.get((account, currency), 0)
