"""The books in figures: totals of both sides, and the reserve's equation (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

from danbao.contracts.chart import CLASSES, is_debit_side

RESERVE = "R"
"""Book of the customers' reserve: its money at the bank equals what it owes."""


@dataclass(frozen=True, slots=True)
class BookLine:
    """One class of accounts in one currency; its normal side is positive."""

    account_class: str
    currency: str
    accounts: int
    """Accounts that are not at zero."""
    balance_minor: int

    @classmethod
    def of_net(cls, account_class: str, currency: str, accounts: int, net_minor: int) -> Self:
        """Make a line of debits - credits."""
        line = cls(account_class, currency, accounts, net_minor)
        return line if line.is_debit else replace(line, balance_minor=-net_minor)

    @property
    def book(self) -> str:
        """R or O."""
        return self.account_class[:1]

    @property
    def is_debit(self) -> bool:
        """Whether the balance stands on the debit side."""
        # A class without its dot, such as O.EXP, belongs to the prefix with the dot.
        return is_debit_side(self.account_class) or is_debit_side(self.account_class + ".")

    @property
    def name(self) -> str:
        """What the class is, in words."""
        return CLASSES.get(self.account_class, self.account_class)


@dataclass(frozen=True, slots=True)
class Total:
    """Both sides of one book in one currency."""

    book: str
    currency: str
    debit_minor: int
    credit_minor: int

    @property
    def is_balanced(self) -> bool:
        """Whether both sides are equal."""
        return self.debit_minor == self.credit_minor


@dataclass(frozen=True, slots=True)
class Equation:
    """What the reserve has, and whom it belongs to, in one currency."""

    currency: str
    assets: tuple[BookLine, ...]
    liabilities: tuple[BookLine, ...]

    @property
    def assets_minor(self) -> int:
        """Sum of what is there."""
        return sum(line.balance_minor for line in self.assets)

    @property
    def liabilities_minor(self) -> int:
        """Sum of what is owed."""
        return sum(line.balance_minor for line in self.liabilities)

    @property
    def is_balanced(self) -> bool:
        """Whether all that is owed is there, and no more."""
        return self.assets_minor == self.liabilities_minor


def trial_totals(lines: Iterable[BookLine]) -> list[Total]:
    """Add up each book in each currency, both sides apart."""
    sums: dict[tuple[str, str], list[int]] = {}
    for line in lines:
        both = sums.setdefault((line.currency, line.book), [0, 0])
        both[0 if line.is_debit else 1] += line.balance_minor
    return [
        Total(book, currency, debit, credit)
        for (currency, book), (debit, credit) in sorted(sums.items())
    ]


def equations(lines: Iterable[BookLine]) -> list[Equation]:
    """Set what the reserve has against what it owes, in the order of the chart."""
    reserve = sorted((line for line in lines if line.book == RESERVE), key=_place)
    return [
        Equation(
            currency,
            tuple(line for line in reserve if line.currency == currency and line.is_debit),
            tuple(line for line in reserve if line.currency == currency and not line.is_debit),
        )
        for currency in sorted({line.currency for line in reserve})
    ]


def _place(line: BookLine) -> int:
    """Place of a class in the chart; unknown ones come last."""
    order = list(CLASSES)
    known = line.account_class in CLASSES
    return order.index(line.account_class) if known else len(order)
