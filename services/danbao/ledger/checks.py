"""What must hold between the books besides the equation: coverage and mirrors (domain 3.2)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from danbao.ledger.books import BookLine, equations

BANK = ("R.CB", "R.BANK", "R.CHRECV")
"""Money that is at a bank, or on its way there."""
SHORT = ("R.SHORT", "R.DUE_FROM_O")
"""What own funds must have paid in at the end of the day: zero then."""
NOT_CUSTOMERS = ("R.DUE_TO_O", "R.FXPOS")
"""Credit classes of the reserve that nobody outside may claim."""
MIRRORS = (
    ("R.DUE_TO_O", "O.DUE_FROM_R"),
    ("R.DUE_FROM_O", "O.DUE_TO_R"),
    ("R.PART.L", "L.FLOAT_R"),
    ("R.PART.F", "F.FLOAT_R"),
)
"""Pairs of accounts in two books that say the same from both sides."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Invariant I3: money at banks covers what customers may claim, in one currency."""

    currency: str
    money: tuple[BookLine, ...]
    claims: tuple[BookLine, ...]
    short: tuple[BookLine, ...]

    @property
    def money_minor(self) -> int:
        """Sum of the money."""
        return sum(line.balance_minor for line in self.money)

    @property
    def claims_minor(self) -> int:
        """Sum of the claims."""
        return sum(line.balance_minor for line in self.claims)

    @property
    def short_minor(self) -> int:
        """What own funds have yet to pay in; must be zero at the end of each day."""
        return sum(line.balance_minor for line in self.short)

    @property
    def holds(self) -> bool:
        """Whether there is enough."""
        return self.money_minor >= self.claims_minor


@dataclass(frozen=True, slots=True)
class Mirror:
    """Invariant I4: two books agree on what one owes the other."""

    currency: str
    account: str
    mirror: str
    account_minor: int
    mirror_minor: int

    @property
    def holds(self) -> bool:
        """Whether both say the same."""
        return self.account_minor == self.mirror_minor


def coverages(lines: Iterable[BookLine]) -> list[Coverage]:
    """Set money against claims, in each currency."""
    return [
        Coverage(
            equation.currency,
            tuple(line for line in equation.assets if line.account_class in BANK),
            tuple(line for line in equation.liabilities if line.account_class not in NOT_CUSTOMERS),
            tuple(line for line in equation.assets if line.account_class in SHORT),
        )
        for equation in equations(lines)
    ]


def mirrors(lines: Sequence[BookLine]) -> list[Mirror]:
    """Set each mirror against its account, in each currency in which one of them moved."""
    balances = {(line.account_class, line.currency): line.balance_minor for line in lines}
    return [
        Mirror(
            currency,
            account,
            mirror,
            balances.get((account, currency), 0),
            balances.get((mirror, currency), 0),
        )
        for currency in sorted({line.currency for line in lines})
        for account, mirror in MIRRORS
        if (account, currency) in balances or (mirror, currency) in balances
    ]
