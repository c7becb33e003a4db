"""The summary for people, and as JSON for programs (pure)."""

from collections import Counter
from typing import Any

from rich.table import Table

from danbao.cli.books_tables import (
    books_json,
    currencies,
    equation_table,
    trial_balance_table,
)
from danbao.cli.format import money_text, plain_table
from danbao.cli.refusals import codes_tables
from danbao.cli.summary_figures import Summary


def summary_tables(summary: Summary) -> list[Table]:
    """All tables in the order in which a person reads them."""
    return [
        _totals(summary),
        _trades(summary),
        *codes_tables(summary.refusals, summary.declines),
        _payouts(summary),
        *(trial_balance_table(summary.balances, code) for code in currencies(summary.balances)),
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
        **books_json(summary.balances),
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
