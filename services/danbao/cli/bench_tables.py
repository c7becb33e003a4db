"""A measurement as tables for people."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from danbao.bench.figures import GROUPS
from danbao.cli.format import plain_table

UNSEEN_MS = 0.0005
"""Less processor time a trade than this is left out of a table."""


def drain_tables(figures: Mapping[str, Any]) -> list[Table]:
    """The rounds, and what each process costs in each step."""
    return [_rounds(figures), _processes(figures["median"]), _sizes(figures["median"])]


def _rounds(figures: Mapping[str, Any]) -> Table:
    names = [*figures["median"]["steps"]]
    numbers = ["trades", "seconds", "trades/s", "CPU ms/trade", *(f"{name} s" for name in names)]
    title = "Staged drain: backlogs in Kafka, through to the read models"
    table = plain_table("round", *numbers, title=title, right=numbers)
    rows = {str(number): one for number, one in enumerate(figures["rounds"], start=1)}
    for name, one in {**rows, "median": figures["median"]}.items():
        table.add_row(
            name,
            f"{one['trades']:,.0f}",
            f"{one['seconds']:.2f}",
            f"{one['trades_per_s']:,.0f}",
            f"{one['cpu_ms_per_trade_of_the_engine']:.3f}",
            *(f"{step['seconds']:.2f}" for step in one["steps"].values()),
        )
    return table


def _processes(one: Mapping[str, Any]) -> Table:
    steps = one["steps"]
    numbers = ["CPU ms/trade", *steps, "Postgres for it", "memory MB"]
    table = plain_table(
        "process", *numbers, title="Processor time a trade (median of rounds)", right=numbers
    )
    served = one["postgres_cpu_ms_per_trade_for"]
    for name in _in_order(one["cpu_ms_per_trade"]):
        spent = one["cpu_ms_per_trade"][name]
        if max(spent, served.get(name, 0.0)) >= UNSEEN_MS:
            table.add_row(
                name,
                f"{spent:.3f}",
                *(f"{step['cpu_ms_per_trade'].get(name, 0.0):.3f}" for step in steps.values()),
                f"{served[name]:.3f}" if name in served else "",
                f"{one['memory_bytes'].get(name, 0) / 1e6:,.0f}",
            )
    itself = served.get("itself", 0.0)
    table.add_row("Postgres, for nobody", "", *[""] * len(steps), f"{itself:.3f}", "")
    table.add_row("the engine", f"{one['cpu_ms_per_trade_of_the_engine']:.3f}")
    return table


def _sizes(one: Mapping[str, Any]) -> Table:
    table = plain_table("on disk", "bytes/trade", title="Disk a trade", right=("bytes/trade",))
    table.add_row("WAL", f"{one['wal_bytes_per_trade']:,.0f}")
    table.add_row("log, with its indexes", f"{one['log_bytes_per_trade']:,.0f}")
    table.add_row("inbox", f"{one['table_bytes_per_trade'].get('inbox', 0):,.0f}")
    table.add_row("whole database", f"{one['database_bytes_per_trade']:,.0f}")
    table.add_row("Kafka", f"{one['kafka_bytes_per_trade']:,.0f}")
    return table


def _in_order(names: Mapping[str, object]) -> list[str]:
    known = [name for group in GROUPS.values() for name in group]
    return [name for name in known if name in names] + [n for n in names if n not in known]
