"""Postings: balanced by construction, inside one book, on the right sides."""

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from danbao.contracts.money import Money
from danbao.ledger.posting import Posting, movements, post
from danbao.testing.builders import fen

ACCOUNTS = ("R.CB", "R.CHRECV", "R.CUST.A.AVAILABLE", "R.ESCROW.T", "R.MPEND.S", "R.PAYOUT")
OWN = ("O.DUE_FROM_R", "O.INC.FEE")


@pytest.mark.parametrize("minor", [0, -1])
def test_a_posting_moves_more_than_nothing(minor: int) -> None:
    """A posting of zero tells nobody anything, a negative one hides its direction."""
    with pytest.raises(AssertionError):
        Posting("R.CB", "R.CHRECV", minor, "CNY")


def test_a_posting_stays_inside_one_book() -> None:
    """Customers' money and ours are never one entry."""
    with pytest.raises(AssertionError, match="one book"):
        Posting("R.CB", "O.INC.FEE", 1, "CNY")


def test_an_amount_of_zero_is_left_out() -> None:
    """A trade without a fee has no posting of a fee."""
    assert post("R.CB", "R.CHRECV", Money(0, "CNY")) == ()
    assert post("R.CB", "R.CHRECV", fen(1)) == (Posting("R.CB", "R.CHRECV", 1, "CNY"),)


@pytest.mark.parametrize(
    ("debit", "credit", "changes"),
    [
        ("R.CHRECV", "R.CUST.A.AVAILABLE", (1, 1)),  # both rise: we are owed, and we owe
        ("R.CUST.A.AVAILABLE", "R.ESCROW.T", (-1, 1)),  # one liability becomes another
        ("R.CB", "R.CHRECV", (1, -1)),  # one asset becomes another
        ("R.PAYOUT", "R.CB", (-1, -1)),  # both fall: the money has left
        ("O.DUE_FROM_R", "O.INC.FEE", (1, 1)),
    ],
)
def test_changes_are_counted_on_the_normal_side(
    debit: str, credit: str, changes: tuple[int, int]
) -> None:
    """A balance rises when there is more of it, for assets and liabilities alike."""
    legs = list(movements([Posting(debit, credit, 7, "USD")]))

    assert legs == [(debit, "USD", 7 * changes[0]), (credit, "USD", 7 * changes[1])]


pairs = st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(ACCOUNTS)) | st.tuples(
    st.sampled_from(OWN), st.sampled_from(OWN)
)
postings = st.builds(
    lambda pair, minor, currency: Posting(pair[0], pair[1], minor, currency),
    pairs,
    st.integers(1, 10**18),
    st.sampled_from(["CNY", "USD"]),
)


@settings(deadline=None)
@for_all(st.lists(postings))
def test_assets_always_equal_liabilities_in_every_book_and_currency(
    journal: list[Posting],
) -> None:
    """Invariants I1 and I2 of domain 3.2 hold for every journal that can be written down."""
    debit_side = {"R.CB", "R.CHRECV", "O.DUE_FROM_R"}
    for book in "RO":
        for currency in ("CNY", "USD"):
            legs = [
                (account, change)
                for account, currency_, change in movements(journal)
                if account[0] == book and currency_ == currency
            ]
            assets = sum(change for account, change in legs if account in debit_side)
            assert assets == sum(change for account, change in legs if account not in debit_side)
