"""The books in figures."""

from rich.console import Console

from danbao.cli.books_tables import equation_table
from danbao.cli.format import PAGE_CELLS
from danbao.cli.summary_figures import Summary
from danbao.cli.summary_tables import summary_json, summary_tables
from danbao.ledger.books import BookLine, equations, trial_totals

LINES = [
    BookLine("O.DUE_FROM_R", "CNY", 1, 60),
    BookLine("O.INC.FEE", "CNY", 1, 60),
    BookLine("R.CB", "CNY", 1, 9_000),
    BookLine("R.CHRECV", "CNY", 1, 1_000),
    BookLine("R.CUST", "CNY", 3, 7_940),
    BookLine("R.DUE_TO_O", "CNY", 1, 60),
    BookLine("R.ESCROW", "CNY", 2, 2_000),
]
TOTALS = {"events": 10, "commands": 5, "timers": 1, "dead_letters": 0, "projected": 9}


def summary(lines: list[BookLine]) -> Summary:
    trades = [
        {
            "state": "WAIT_SELLER_SEND_GOODS",
            "currency": "CNY",
            "count": 2,
            "held_minor": 2_000,
            "holding": 2,
            "frozen": 1,
            "open_refunds": 0,
        }
    ]
    payouts = [
        {
            "state": "failed",
            "reason": "bank_account_closed",
            "currency": "CNY",
            "count": 1,
            "merchants": 1,
            "amount_minor": 5,
        }
    ]
    return Summary(TOTALS, trades, {"wrong_state": 3}, {"risk_declined": 2}, lines, payouts)


def shown(found: Summary) -> str:
    console = Console(width=PAGE_CELLS, markup=False)
    with console.capture() as capture:
        for table in summary_tables(found):
            console.print(table)
    return capture.get()


def test_each_book_is_totalled_by_side() -> None:
    """An auditor reads the totals first: both sides of each book are equal or something is lost."""
    own, reserve = trial_totals(LINES)

    assert (own.book, own.debit_minor, own.credit_minor) == ("O", 60, 60)
    assert (reserve.book, reserve.debit_minor, reserve.credit_minor) == ("R", 10_000, 10_000)
    assert own.is_balanced
    assert reserve.is_balanced


def test_the_reserve_has_what_it_owes() -> None:
    """The promise to customers and to the supervisor, in each currency apart."""
    (equation,) = equations(LINES)

    assert [line.account_class for line in equation.assets] == ["R.CB", "R.CHRECV"]
    owed = [line.account_class for line in equation.liabilities]
    assert owed == ["R.CUST", "R.ESCROW", "R.DUE_TO_O"]
    assert equation.assets_minor == equation.liabilities_minor == 10_000


def test_a_missing_fen_is_said_aloud() -> None:
    """A summary that looks fine while money is missing is worse than none."""
    short = [*LINES[:-1], BookLine("R.ESCROW", "CNY", 2, 1_999)]

    found = summary(short)

    assert not found.is_balanced
    assert "NOT EQUAL" in shown(found)
    assert "DOES NOT BALANCE" in shown(found)
    assert summary_json(found)["balanced"] is False


def test_the_equation_is_a_sum_that_a_person_can_follow() -> None:
    """Summands with their names, both totals, and the verdict."""
    console = Console(width=PAGE_CELLS)
    with console.capture() as capture:
        console.print(equation_table(equations(LINES)[0]))
    lines = [" ".join(line.split()) for line in capture.get().splitlines()]

    assert "90.00 money at the bank" in lines
    assert "+ 10.00 collected, on its way to the bank" in lines
    assert "= 100.00 what is there" in lines
    assert "+ 20.00 held for trades" in lines
    assert "= 100.00 what is owed OK" in lines


def test_the_summary_shows_states_codes_payouts_and_lag() -> None:
    """The end of the demo: what happened, what was refused, who was paid, what is still held."""
    text = shown(summary(LINES))

    for expected in (
        "WAIT_SELLER_SEND_GOODS",
        "20.00 CNY",
        "wrong_state",
        "risk_declined",
        "bank_account_closed",
        "read models are at",
    ):
        assert expected in text


def test_a_class_of_costs_stands_on_the_debit_side() -> None:
    """The chart names costs by prefix, a class has no further dot: O.EXP is still debit."""
    assert BookLine("O.EXP", "CNY", 1, 1).is_debit
    assert not BookLine("O.INC.FEE", "CNY", 1, 1).is_debit
