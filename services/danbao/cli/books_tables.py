"""The books for people, and as JSON for programs (pure): what `summary` and `ledger` both show."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table

from danbao.cli.format import amount_text, plain_table
from danbao.ledger.books import BookLine, Equation, equations, trial_totals


def currencies(lines: Iterable[BookLine]) -> list[str]:
    """The currencies that occur, in the order in which they are shown."""
    return sorted({line.currency for line in lines})


def books_json(lines: Sequence[BookLine]) -> dict[str, Any]:
    """Balances by class, totals of each book, and the reserve; amounts in minor units."""
    return {
        "trial_balance": [
            {
                "class": line.account_class,
                "currency": line.currency,
                "side": "debit" if line.is_debit else "credit",
                "accounts": line.accounts,
                "balance_minor": line.balance_minor,
            }
            for line in lines
        ],
        "books": [
            {
                "book": total.book,
                "currency": total.currency,
                "debit_minor": total.debit_minor,
                "credit_minor": total.credit_minor,
                "balanced": total.is_balanced,
            }
            for total in trial_totals(lines)
        ],
        "reserve": [
            {
                "currency": equation.currency,
                "assets_minor": equation.assets_minor,
                "liabilities_minor": equation.liabilities_minor,
                "balanced": equation.is_balanced,
            }
            for equation in equations(lines)
        ],
    }


def trial_balance_table(lines: Sequence[BookLine], currency: str) -> Table:
    """Balances by class on their side, and the totals of each book, which must be equal."""
    columns = ("class", "", "accounts", "debit", "credit")
    table = plain_table(*columns, title=f"Trial balance in {currency}", right=columns[2:])
    for total in trial_totals(line for line in lines if line.currency == currency):
        for line in lines:
            if (line.book, line.currency) == (total.book, total.currency):
                amount = amount_text(line.balance_minor, line.currency)
                sides = (amount, "") if line.is_debit else ("", amount)
                table.add_row(line.account_class, line.name, f"{line.accounts:,}", *sides)
        both = [amount_text(m, total.currency) for m in (total.debit_minor, total.credit_minor)]
        verdict = "balanced" if total.is_balanced else "DOES NOT BALANCE"
        table.add_row(f"book {total.book}", verdict, "", *both, style="bold")
        table.add_section()
    return table


def equation_table(equation: Equation) -> Table:
    """The reserve's equation as a sum that a person can follow: what is there is what is owed."""
    code = equation.currency
    table = plain_table("", "amount", "", title=f"Reserve in {code}", right=("amount",))
    for lines, total, word in (
        (equation.assets, equation.assets_minor, "what is there"),
        (equation.liabilities, equation.liabilities_minor, "what is owed"),
    ):
        for number, line in enumerate(lines):
            amount = amount_text(line.balance_minor, code)
            table.add_row("+" if number else "", amount, line.name)
        is_last = lines is equation.liabilities
        verdict = "  OK" if equation.is_balanced else "  NOT EQUAL"
        table.add_row(
            "=", amount_text(total, code), word + (verdict if is_last else ""), style="bold"
        )
        table.add_section()
    return table
