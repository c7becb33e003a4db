"""Coverage and mirrors: what an accountant looks at after the equation."""

from danbao.ledger.books import BookLine
from danbao.ledger.checks import coverages, mirrors

LINES = [
    BookLine("O.DUE_FROM_R", "CNY", 1, 60),
    BookLine("O.INC.FEE", "CNY", 1, 60),
    BookLine("R.CB", "CNY", 1, 9_000),
    BookLine("R.CHRECV", "CNY", 1, 1_000),
    BookLine("R.CUST", "CNY", 3, 7_940),
    BookLine("R.DUE_TO_O", "CNY", 1, 60),
    BookLine("R.ESCROW", "CNY", 2, 1_500),
    BookLine("R.PAYOUT", "CNY", 1, 500),
]


def test_money_at_banks_covers_what_customers_may_claim() -> None:
    """Fees are no claim of customers; payouts on their way are."""
    (coverage,) = coverages(LINES)

    assert coverage.money_minor == 10_000
    assert coverage.claims_minor == 9_940
    assert [line.account_class for line in coverage.claims] == ["R.CUST", "R.ESCROW", "R.PAYOUT"]
    assert coverage.holds


def test_missing_money_is_no_coverage() -> None:
    """What own funds owe the reserve is not there yet, and does not count as money."""
    lines = [line for line in LINES if line.account_class != "R.CHRECV"]

    (coverage,) = coverages([*lines, BookLine("R.DUE_FROM_O", "CNY", 1, 1_000)])

    assert coverage.money_minor == 9_000
    assert coverage.short_minor == 1_000
    assert not coverage.holds


def test_the_books_agree_on_what_one_owes_the_other() -> None:
    """Only pairs that ever moved are shown."""
    (mirror,) = mirrors(LINES)

    assert (mirror.account, mirror.mirror) == ("R.DUE_TO_O", "O.DUE_FROM_R")
    assert mirror.holds


def test_a_mirror_that_is_missing_does_not_agree() -> None:
    """A posting in one book alone is found."""
    (mirror,) = mirrors(LINES[1:])

    assert (mirror.account_minor, mirror.mirror_minor) == (60, 0)
    assert not mirror.holds


def test_currencies_are_never_mixed() -> None:
    """More yuan do not cover missing dollars."""
    dollars = [BookLine("R.CB", "USD", 1, 5), BookLine("R.CUST", "USD", 1, 6)]

    yuan, dollar = coverages([*LINES, *dollars])

    assert yuan.holds
    assert not dollar.holds
