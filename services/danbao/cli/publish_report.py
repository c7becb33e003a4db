"""What a run of the publisher did, as tables and as JSON (pure)."""

from dataclasses import asdict
from typing import Any

from rich.table import Table

from danbao.cli.format import counts_table, plain_table
from danbao.cli.refusals import codes_tables, declined_table, refused_table
from danbao.publisher import FlowsStuckError, Summary

CREATED = "escrow.trade_created.v1"
REFUSALS_SHOWN = 10
"""Refusals, and declines, shown line by line to a person who did not say how many."""


def trades_per_s(summary: Summary) -> float:
    """Trades created a second."""
    return summary.events.get(CREATED, 0) / summary.seconds if summary.seconds else 0.0


def summary_tables(summary: Summary, shown_max: int | None = REFUSALS_SHOWN) -> list[Table]:
    """Events by type, refusals and declines by code and line, and the numbers of the run.

    Of refusals and declines at most `shown_max` are shown line by line; None means all.
    """
    tables = [counts_table("Events", "type", summary.events)] if summary.events else []
    tables += codes_tables(summary.refusals, summary.declines)
    if shown_max != 0:
        if summary.refused:
            tables.append(refused_table(summary.refused, shown_max))
        if summary.declined:
            tables.append(declined_table(summary.declined, shown_max))
    return [*tables, _numbers(summary)]


def _numbers(summary: Summary) -> Table:
    """Make the table of the run's numbers."""
    latency = summary.latency
    table = plain_table("Run", "", right=("",))
    table.add_row("commands", f"{summary.commands:,}")
    table.add_row("distinct command ids", f"{summary.command_ids:,}")
    if summary.already_answered:
        table.add_row("already answered before", f"{summary.already_answered:,}")
    if summary.repeats:
        table.add_row("repeated lines", f"{summary.repeats:,}")
    table.add_row("flows", f"{summary.flows:,}")
    table.add_row("events", f"{sum(summary.events.values()):,}")
    table.add_row("refused commands", f"{sum(summary.refusals.values()):,}")
    table.add_row("declined payments", f"{sum(summary.declines.values()):,}")
    table.add_row("seconds", f"{summary.seconds:,.2f}")
    table.add_row("commands per second", f"{summary.commands_per_s:,.0f}")
    table.add_row("events per second", f"{summary.events_per_s:,.0f}")
    if CREATED in summary.events:
        table.add_row("trades per second", f"{trades_per_s(summary):,.0f}")
    if latency.count:
        table.add_row("first answer, p50 ms", f"{latency.p50_ms:,.0f}")
        table.add_row("first answer, p99 ms", f"{latency.p99_ms:,.0f}")
    return table


def summary_json(summary: Summary) -> dict[str, Any]:
    """Give all numbers of the run under stable names."""
    return {
        "commands": summary.commands,
        "command_ids": summary.command_ids,
        "already_answered": summary.already_answered,
        "repeats": summary.repeats,
        "flows": summary.flows,
        "events": summary.events,
        "refusals": summary.refusals,
        "declines": summary.declines,
        "refused": [asdict(refusal) for refusal in summary.refused],
        "declined": [asdict(decline) for decline in summary.declined],
        "seconds": summary.seconds,
        "commands_per_s": summary.commands_per_s,
        "events_per_s": summary.events_per_s,
        "trades_per_s": trades_per_s(summary),
        "latency": asdict(summary.latency),
        "start_late_s_max": summary.start_late_s_max,
    }


def stuck_json(error: FlowsStuckError) -> dict[str, Any]:
    """Tell which flows are stuck, and on what."""
    stuck = [asdict(flow) for flow in error.stuck]
    return {"error": error.code, "open_flows": error.open_flows, "stuck": stuck}
