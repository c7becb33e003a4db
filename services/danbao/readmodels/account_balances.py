"""Read model `account_balances`: the trial balance, one row for each account and currency.

A balance is positive on the account's normal side (domain 3.1).
"""

from collections.abc import Iterable

from danbao.ledger.posting import movements
from danbao.readmodels.model import Change, Entry, ReadModel


def project(entry: Entry) -> Iterable[Change]:
    """What the postings of one event move."""
    return tuple(
        Change((account, currency), {}, {"balance_minor": change})
        for account, currency, change in movements(entry.postings)
    )


MODEL = ReadModel(
    name="account_balances",
    version=1,
    key=("account", "currency"),
    sets=(),
    adds=("balance_minor",),
    project=project,
    postings=True,
)
