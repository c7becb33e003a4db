"""Trial balance, reserve and statement for people, as JSON and as CSV (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table

from danbao.analysis.moments import Place
from danbao.analysis.statement import Statement, StatementTotal
from danbao.cli.books_tables import books_json
from danbao.cli.format import amount_text, plain_table, time_text
from danbao.ledger.books import BookLine, equations, trial_totals
from danbao.ledger.checks import Coverage, Mirror, coverages, mirrors

CsvTable = tuple[Sequence[str], Iterable[Sequence[object]]]


def trial_balance_json(place: Place, lines: Sequence[BookLine]) -> dict[str, Any]:
    """All figures under stable names; amounts in minor units."""
    found = books_json(lines)
    del found["reserve"]
    balanced = all(total.is_balanced for total in trial_totals(lines))
    return asdict(place) | found | {"balanced": balanced}


def trial_balance_csv(lines: Sequence[BookLine]) -> CsvTable:
    """One row for each class and currency."""
    columns = ("book", "class", "name", "currency", "accounts", "debit_minor", "credit_minor")
    return columns, [
        (
            line.book,
            line.account_class,
            line.name,
            line.currency,
            line.accounts,
            *((line.balance_minor, 0) if line.is_debit else (0, line.balance_minor)),
        )
        for line in lines
    ]


def reserve_json(place: Place, lines: Sequence[BookLine]) -> dict[str, Any]:
    """Equation, coverage and mirrors, each with its verdict."""
    return asdict(place) | {
        "equation": [
            {
                "currency": each.currency,
                "assets": _sums(each.assets),
                "assets_minor": each.assets_minor,
                "liabilities": _sums(each.liabilities),
                "liabilities_minor": each.liabilities_minor,
                "holds": each.is_balanced,
            }
            for each in equations(lines)
        ],
        "coverage": [
            {
                "currency": each.currency,
                "money_minor": each.money_minor,
                "claims_minor": each.claims_minor,
                "short_minor": each.short_minor,
                "holds": each.holds,
            }
            for each in coverages(lines)
        ],
        "mirrors": [asdict(each) | {"holds": each.holds} for each in mirrors(lines)],
    }


def reserve_csv(lines: Sequence[BookLine]) -> CsvTable:
    """One row for each summand of the equation."""
    return ("currency", "side", "class", "name", "amount_minor"), [
        (equation.currency, side, line.account_class, line.name, line.balance_minor)
        for equation in equations(lines)
        for side, summands in (("there", equation.assets), ("owed", equation.liabilities))
        for line in summands
    ]


def coverage_table(coverage: Coverage) -> Table:
    """Money at banks against what customers may claim."""
    code = coverage.currency
    table = plain_table("", "amount", "", title=f"Coverage in {code}", right=("amount",))
    sums = (
        (coverage.money, coverage.money_minor, "money at banks"),
        (coverage.claims, coverage.claims_minor, "claims of customers, payouts on their way"),
    )
    for lines, amount, words in sums:
        for number, line in enumerate(lines):
            balance = amount_text(line.balance_minor, code)
            table.add_row("+" if number else "", balance, line.name)
        table.add_row("=", amount_text(amount, code), words, style="bold")
        table.add_section()
    rest = amount_text(coverage.money_minor - coverage.claims_minor, code)
    table.add_row("", rest, "more than is claimed  OK" if coverage.holds else "MISSING")
    if coverage.short_minor:
        table.add_row("", amount_text(coverage.short_minor, code), "own funds have yet to pay in")
    return table


def mirror_table(found: Sequence[Mirror]) -> Table:
    """Each account beside its mirror in the other book."""
    columns = ("account", "amount", "mirror", "debit", "currency", "")
    table = plain_table(*columns, title="Mirrors", right=("amount", "debit"))
    table.columns[3].header = "amount"
    for each in found:
        table.add_row(
            each.account,
            amount_text(each.account_minor, each.currency),
            each.mirror,
            amount_text(each.mirror_minor, each.currency),
            each.currency,
            "OK" if each.holds else "DO NOT AGREE",
        )
    return table


def statement_json(found: Statement) -> dict[str, Any]:
    """Lines and totals under stable names."""
    return {
        "merchant": found.merchant,
        "from": found.span.after + 1,
        "to": found.span.upto,
        "lines": [asdict(line) for line in found.lines],
        "totals": [asdict(total) for total in found.totals],
    }


def statement_csv(found: Statement) -> CsvTable:
    """One row for each line."""
    columns = (
        "position", "recorded_at", "type", "reference", "currency", "gross_minor", "fee_minor",
        "net_minor", "payout_minor", "note",
    )  # fmt: skip
    return columns, [tuple(asdict(line).values()) for line in found.lines]


def statement_tables(found: Statement) -> list[Table]:
    """Lines, then the totals of each currency."""
    columns = ("position", "time", "what", "reference", "gross", "fee", "net", "payout", "", "note")
    table = plain_table(*columns, right=("position", "gross", "fee", "net", "payout"))
    for line in found.lines:
        amounts = (line.gross_minor, line.fee_minor, line.net_minor, line.payout_minor)
        table.add_row(
            str(line.position),
            time_text(line.recorded_at),
            line.type.replace("_", " "),
            line.reference,
            *(amount_text(minor, line.currency) if minor else "" for minor in amounts),
            line.currency,
            line.note,
        )
    return [table, *map(_total_table, found.totals)]


def _total_table(total: StatementTotal) -> Table:
    code = total.currency
    table = plain_table("", "amount", title=f"In {code}", right=("amount",))
    rows = (
        ("pending before", total.pending_before_minor),
        ("available before", total.available_before_minor),
        (f"credited, {total.credits:,} trades, gross", total.gross_minor),
        ("- fee", total.fee_minor),
        ("= net", total.net_minor),
        (f"settled by {total.windows:,} windows, net", total.settled_minor),
        ("paid out", total.paid_minor),
        ("payouts that failed", total.failed_minor),
        ("pending now", total.pending_minor),
        ("available now", total.available_minor),
    )
    for name, minor in rows:
        table.add_row(name, amount_text(minor, code))
    return table


def _sums(lines: Iterable[BookLine]) -> list[dict[str, object]]:
    return [{"class": line.account_class, "balance_minor": line.balance_minor} for line in lines]
