"""The summary for people, and as JSON for programs (pure)."""

from collections import Counter
from typing import Any

from rich.table import Table

from danbao.cli.format import amount_text, counts_table, money_text, plain_table
from danbao.cli.summary_figures import Summary
from danbao.ledger.books import Equation, trial_totals


def summary_tables(summary: Summary) -> list[Table]:
    """All tables in the order in which a person reads them."""
    counted = (("Refused commands", summary.refusals), ("Declined payments", summary.declines))
    return [
        _totals(summary),
        _trades(summary),
        *(counts_table(title, "code", counts) for title, counts in counted if counts),
        _payouts(summary),
        *(_trial_balance(summary, code) for code in _currencies(summary)),
        *(equation_table(equation) for equation in summary.equations),
    ]


def summary_json(summary: Summary) -> dict[str, Any]:
    """All figures under stable names; amounts in minor units."""
    return {
        "totals": summary.totals,
        "trades": summary.trades,
        "refusals": summary.refusals,
        "declines": summary.declines,
        "payouts": summary.payouts,
        "trial_balance": [
            {
                "class": line.account_class,
                "currency": line.currency,
                "side": "debit" if line.is_debit else "credit",
                "accounts": line.accounts,
                "balance_minor": line.balance_minor,
            }
            for line in summary.balances
        ],
        "books": [
            {
                "book": total.book,
                "currency": total.currency,
                "debit_minor": total.debit_minor,
                "credit_minor": total.credit_minor,
                "balanced": total.is_balanced,
            }
            for total in trial_totals(summary.balances)
        ],
        "reserve": [
            {
                "currency": equation.currency,
                "assets_minor": equation.assets_minor,
                "liabilities_minor": equation.liabilities_minor,
                "balanced": equation.is_balanced,
            }
            for equation in summary.equations
        ],
        "balanced": summary.is_balanced,
    }


def _totals(summary: Summary) -> Table:
    table = plain_table("Engine", "", right=("",))
    totals = summary.totals
    table.add_row("events in the log", f"{totals['events']:,}")
    table.add_row("commands answered", f"{totals['commands']:,}")
    table.add_row("deadlines running", f"{totals['timers']:,}")
    table.add_row("dead letters", f"{totals['dead_letters']:,}")
    if totals["projected"] < totals["events"]:
        table.add_row("read models are at", f"{totals['projected']:,}")
    return table


def _trades(summary: Summary) -> Table:
    """Trades by state, each with what is held for it in each currency."""
    columns = ("state", "trades", "frozen", "open refunds", "held")
    table = plain_table(*columns, title="Trades", right=columns[1:])
    rows: dict[str, Counter[str]] = {}
    held: dict[str, dict[str, int]] = {}
    for trade in summary.trades:
        counts = rows.setdefault(trade["state"], Counter())
        counts.update({name: trade[name] for name in ("count", "frozen", "open_refunds")})
        if trade["held_minor"]:
            held.setdefault(trade["state"], {})[trade["currency"]] = trade["held_minor"]
    for state, counts in rows.items():
        money = [money_text(minor, code) for code, minor in held.get(state, {}).items()]
        numbers = [f"{counts[name]:,}" for name in ("count", "frozen", "open_refunds")]
        table.add_row(state, *numbers, "\n".join(money) or "0")
    return table


def _payouts(summary: Summary) -> Table:
    """What merchants were paid, and what failed and why."""
    columns = ("payouts", "reason", "merchants", "count", "amount")
    table = plain_table(*columns, title="Merchants paid", right=columns[2:])
    for payout in summary.payouts:
        table.add_row(
            payout["state"],
            payout["reason"] or "",
            f"{payout['merchants']:,}",
            f"{payout['count']:,}",
            money_text(payout["amount_minor"], payout["currency"]),
        )
    return table


def _currencies(summary: Summary) -> list[str]:
    return sorted({line.currency for line in summary.balances})


def _trial_balance(summary: Summary, currency: str) -> Table:
    """Balances by class on their side, and the totals of each book, which must be equal."""
    columns = ("class", "", "accounts", "debit", "credit")
    table = plain_table(*columns, title=f"Trial balance in {currency}", right=columns[2:])
    for total in trial_totals(line for line in summary.balances if line.currency == currency):
        for line in summary.balances:
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
