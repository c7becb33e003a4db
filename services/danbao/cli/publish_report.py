"""What a run of the publisher did, as tables and as JSON (pure)."""

from dataclasses import asdict
from typing import Any

from rich.table import Table

from danbao.cli.format import counts_table, plain_table
from danbao.publisher import FlowsStuckError, Summary

CREATED = "escrow.trade_created.v1"


def trades_per_s(summary: Summary) -> float:
    """Trades created a second."""
    return summary.events.get(CREATED, 0) / summary.seconds if summary.seconds else 0.0


def summary_tables(summary: Summary) -> list[Table]:
    """Events by type, refusals and declines by code, and the numbers of the run at the end."""
    tables = [
        counts_table(title, name, counts)
        for title, name, counts in (
            ("Events", "type", summary.events),
            ("Refusals", "code", summary.refusals),
            ("Declines", "code", summary.declines),
        )
        if counts
    ]
    return [*tables, _numbers(summary)]


def _numbers(summary: Summary) -> Table:
    """Make the table of the run's numbers."""
    latency = summary.latency
    table = plain_table("Run", "", right=("",))
    table.add_row("commands", f"{summary.commands:,}")
    table.add_row("distinct command ids", f"{summary.command_ids:,}")
    table.add_row("flows", f"{summary.flows:,}")
    table.add_row("events", f"{sum(summary.events.values()):,}")
    table.add_row("refusals", f"{sum(summary.refusals.values()):,}")
    table.add_row("declines", f"{sum(summary.declines.values()):,}")
    table.add_row("seconds", f"{summary.seconds:,.2f}")
    table.add_row("commands per second", f"{summary.commands_per_s:,.0f}")
    table.add_row("events per second", f"{summary.events_per_s:,.0f}")
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
        "flows": summary.flows,
        "events": summary.events,
        "refusals": summary.refusals,
        "declines": summary.declines,
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
