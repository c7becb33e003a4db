"""Postings: money moving between two accounts of one book; balanced by construction.

A posting debits one account and credits another by the same amount of minor units, so no event
can carry an unbalanced journal.  Both accounts lie in one book (domain 3.1): a business event
that touches two books carries postings in each.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import msgspec

from danbao.contracts.chart import is_debit_side
from danbao.contracts.message import Event
from danbao.contracts.money import Money


class Posting(msgspec.Struct, frozen=True):
    """Debit one account, credit another, by `minor` units of `currency`; the log has its JSON."""

    debit: str
    credit: str
    minor: int
    currency: str

    def __post_init__(self) -> None:
        """Hold what every posting must hold."""
        assert self.minor > 0
        assert self.debit[0] == self.credit[0], "both accounts lie in one book"


Rules: TypeAlias = Mapping[type[Event], Callable[[Any], tuple[Posting, ...]]]
"""Posting rules by the type of event."""


def post(debit: str, credit: str, amount: Money) -> tuple[Posting, ...]:
    """Make the posting for an amount; a posting of zero is left out."""
    if amount.minor == 0:
        return ()
    return (Posting(debit, credit, amount.minor, amount.currency),)


def movements(postings: Iterable[Posting]) -> Iterable[tuple[str, str, int]]:
    """Give (account, currency, change) of each leg, positive on the account's normal side."""
    for posting in postings:
        debit_sign = 1 if is_debit_side(posting.debit) else -1
        credit_sign = -1 if is_debit_side(posting.credit) else 1
        yield posting.debit, posting.currency, debit_sign * posting.minor
        yield posting.credit, posting.currency, credit_sign * posting.minor
