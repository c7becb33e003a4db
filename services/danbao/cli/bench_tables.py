"""A measurement as tables for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from danbao.app import PROCESSES
from danbao.bench.measure import stages_of
from danbao.bench.processor import SUPERVISOR
from danbao.cli.format import plain_table

UNSEEN_MS = 0.0005
"""Less processor time a trade than this is left out of a table."""


TITLES = {
    "drain": "Staged drain: backlogs in Kafka, through to the read models",
    "closed": "Closed loop: the next trade begins when one ends",
    "open": "Open loop: trades begin at a rate, by Poisson",
}


def tables(figures: Mapping[str, Any]) -> list[Table]:
    """All that people ask first, stage by stage; the JSON has the rest."""
    return [table for stage in stages_of(figures).values() for table in _stage(stage)]


def _stage(figures: Mapping[str, Any]) -> list[Table]:
    middle = figures["median"]
    if figures["stage"] not in TITLES:
        shown = [_part(figures)]
    else:
        shown = [_rounds(figures), _processes(middle), _sizes(middle)]
    if "latency" in middle:
        shown.insert(1, _latency(middle, figures.get("echo")))
    if "ratios" in figures:
        shown.append(_ratios(figures["ratios"]))
    return shown


def _rounds(figures: Mapping[str, Any]) -> Table:
    names = [*figures["median"].get("steps", ())]
    numbers = [
        "log",
        "trades",
        "seconds",
        "trades/s",
        "CPU ms/trade",
        *(f"{name} s" for name in names),
    ]
    table = plain_table("round", *numbers, title=TITLES[figures["stage"]], right=numbers)
    rows: dict[str, Any] = {}
    for side, of_side in figures.get("sides", {"": figures}).items():
        rows |= {f"{side} {n}": one for n, one in enumerate(of_side["rounds"], start=1)}
        rows[f"{side} median"] = of_side["median"]
    for name, one in rows.items():
        table.add_row(
            name.strip(),
            f"{one['log_before']:,.0f}",
            f"{one['trades']:,.0f}",
            f"{one['seconds']:.2f}",
            f"{one['trades_per_s']:,.0f}",
            f"{one['cpu_ms_per_trade_of_the_engine']:.3f}",
            *(f"{step['seconds']:.2f}" for step in one.get("steps", {}).values()),
        )
    return table


def _part(figures: Mapping[str, Any]) -> Table:
    columns = ["median", *(str(number) for number, _ in enumerate(figures["rounds"], start=1))]
    title = f"The {figures['stage']} alone, by round"
    table = plain_table("", *columns, title=title, right=columns)
    for name in figures["median"]:
        each = (figures["median"], *figures["rounds"])
        table.add_row(name.replace("_", " "), *(f"{one[name]:,.2f}" for one in each))
    return table


def _latency(one: Mapping[str, Any], echo: Mapping[str, Any] | None) -> Table:
    names = ("p50_ms", "p90_ms", "p99_ms", "p99.9_ms", "max_ms")
    numbers = [name.replace("_", " ") for name in names]
    title = "Latency to the first answer, from the intended time (median of rounds)"
    table = plain_table("step", "count", *numbers, "over 1 s", title=title, right=numbers)
    rows = dict(one["latency"])
    if echo is not None:
        rows["bare echo"] = echo["latency"]
    for name, latency in rows.items():
        share = f"{latency['share_over_1_s']:.3%}"
        table.add_row(
            name, f"{latency['count']:,.0f}", *(f"{latency[n]:,.1f}" for n in names), share
        )
    if "drained_s" in one:
        table.add_row(f"flash sale drained after {one['drained_s']:.1f} s")
    table.add_row("generator's delay", "", *[""] * 4, f"{one['start_late_ms_max']:,.1f}", "")
    return table


def _ratios(ratios: Sequence[Mapping[str, Any]]) -> Table:
    table = plain_table("side", "over", "of", "ratio", "each round", "spread", title="In turns")
    for found in ratios:
        spreads = found["spreads"]
        table.add_row(
            found["side"],
            found["base"],
            found["of"],
            f"{found['ratio']:.3f}" if found["ratio"] is not None else f"refused: {found['why']}",
            " ".join(f"{ratio:.3f}" for ratio in found["ratios"]),
            f"{spreads['side']:.0%}, {spreads['base']:.0%}",
        )
    return table


def _processes(one: Mapping[str, Any]) -> Table:
    steps = one.get("steps", {})
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
    """Our processes as the engine lists them, then the servers and the generator."""
    known = [*PROCESSES, SUPERVISOR, "postgres", "kafka"]
    return [name for name in known if name in names] + [n for n in names if n not in known]
