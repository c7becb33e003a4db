"""The page of a measurement: figures, plots and tables in one file that needs nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any

from danbao.bench.loops import SLICE_S, Loop
from danbao.bench.measure import stages_of
from danbao.cli import bench_plots as plots
from danbao.cli.bench_tables import TITLES
from danbao.cli.format import json_text
from danbao.cli.report.page import Figure, Section, Table, templates


def render_bench(figures: Mapping[str, Any], loops: Mapping[str, Sequence[Loop]]) -> str:
    """Give the page; the plots over time are those of the last loop of a stage."""
    stages = stages_of(figures)
    sections = [
        section
        for name, stage in stages.items()
        for section in _sections(name, stage, loops.get(name, ()))
    ]
    last = list(stages.values())[-1]
    page: str = (
        templates()
        .get_template("bench.html")
        .render(
            stage=figures["stage"],
            title="Whole trades, measured",
            about=_about(figures, len(last["rounds"])),
            figures=[figure for name, stage in stages.items() for figure in _heads(name, stage)],
            sections=sections,
            data=json_text(figures),
        )
    )
    return page


def _about(figures: Mapping[str, Any], rounds: int) -> str:
    machine = figures["machine"]
    return (
        f"{machine['cores']} cores ({machine['processor']}), {machine['memory_bytes'] / 1e9:.0f} GB"
        f", {machine['system']}, Python {machine['python']}; danbao {machine['commit']}, "
        f"{figures['at']}. Kafka, Postgres, the engine and the generator share the machine. "
        f"{figures['partitions']} partitions a topic. "
        f"Medians of {rounds} rounds; seed {figures['seed']}."
    )


def _heads(name: str, figures: Mapping[str, Any]) -> list[Figure]:
    one = figures["median"]
    shown = {
        "trades_per_s": ("whole trades a second", "{:,.0f}"),
        "commands_per_s": ("commands a second", "{:,.0f}"),
        "events_per_s": ("events a second", "{:,.0f}"),
        "cpu_ms_per_trade_of_the_engine": ("processor ms a trade", "{:.3f}"),
        "wal_bytes_per_trade": ("WAL bytes a trade", "{:,.0f}"),
        "database_bytes_per_trade": ("database bytes a trade", "{:,.0f}"),
    }
    found = [
        Figure(f"{name}: {title}", form.format(one[key]), "")
        for key, (title, form) in shown.items()
        if key in one
    ]
    return [*found, Figure(f"{name}: spread of the rate", f"{figures['spread']:.0%}", "")]


def _sections(name: str, figures: Mapping[str, Any], loops: Sequence[Loop]) -> list[Section]:
    one = figures["median"]
    if "cpu_ms_per_trade" not in one:
        return [_part(figures)]
    sections = [_rounds(name, figures), _processor(name, one)]
    if loops:
        sections[1:1] = [_latency(name, figures, loops[-1]), _over_time(name, loops[-1])]
    return sections


def _part(figures: Mapping[str, Any]) -> Section:
    rows = [
        (name, *(f"{one[name]:,.2f}" for one in (figures["median"], *figures["rounds"])))
        for name in figures["median"]
    ]
    columns = ("", "median", *(str(n) for n in range(1, len(figures["rounds"]) + 1)))
    section = Section("part", "Figures", "One part alone, everything else frozen.", [])
    section.tables.append(("By round", Table(columns, rows)))
    return section


def _rounds(name: str, figures: Mapping[str, Any]) -> Section:
    section = Section(f"{name}-rounds", TITLES[name], "Each round has trades of its own.", [])
    rows = [
        (
            str(number),
            f"{one['trades']:,.0f}",
            f"{one['seconds']:.1f}",
            f"{one['trades_per_s']:,.0f}",
            f"{one['cpu_ms_per_trade_of_the_engine']:.3f}",
        )
        for number, one in enumerate(figures["rounds"], start=1)
    ]
    columns = ("round", "trades", "seconds", "trades/s", "processor ms/trade")
    section.tables.append(("Through to the read models", Table(columns, rows)))
    return section


def _processor(name: str, one: Mapping[str, Any]) -> Section:
    section = Section(
        f"{name}-processor",
        f"Processor time, {name}",
        "User and system time of each process, for one whole trade.",
        [],
    )
    spent = {n: v for n, v in one["cpu_ms_per_trade"].items() if v >= plots.UNSEEN_MS}
    served = {n: v for n, v in one["postgres_cpu_ms_per_trade_for"].items() if v >= plots.UNSEEN_MS}
    section.plots = [
        (
            "By process, ms a trade",
            plots.costs(f"{name}-processes", "Processor time by process", spent),
        ),
        (
            "Of Postgres, by client",
            plots.costs(f"{name}-clients", "Postgres by client", served, colour=2),
        ),
    ]
    return section


def _latency(name: str, figures: Mapping[str, Any], loop: Loop) -> Section:
    section = Section(
        f"{name}-latency",
        f"Latency, {name} loop",
        "From the intended time of each command until its answer was seen; of a whole trade until "
        "the seller's credit was.  The curve is that of the last round.",
        [],
    )
    section.plots = [("By percentile", plots.percentiles(f"{name}-percentiles", loop.latency))]
    columns = ("", "p50", "p90", "p99", "p99.9", "max", "over 1 s")
    rows = dict(figures["median"]["latency"])
    if "echo" in figures:
        rows["bare echo"] = figures["echo"]["latency"]
    cells = [
        (
            row,
            *(f"{each[k]:,.1f}" for k in ("p50_ms", "p90_ms", "p99_ms", "p99.9_ms", "max_ms")),
            f"{each['share_over_1_s']:.3%}",
        )
        for row, each in rows.items()
    ]
    section.tables.append(("Milliseconds", Table(columns, cells)))
    return section


def _over_time(name: str, loop: Loop) -> Section:
    section = Section(
        f"{name}-time",
        f"Over time, {name} loop",
        f"The last round: latency by the {SLICE_S:g} seconds in which commands were to go out, all "
        "else by one look a second.",
        [],
    )
    if len(loop.slices) > 1:
        plot = plots.latency_over_time(f"{name}-slices", loop.slices)
        section.plots.append(("Latency of all commands, ms", plot))
    if len(loop.samples) > 1:
        section.plots += [
            ("Events a second", plots.rates(f"{name}-rates", loop.samples)),
            ("Trades under way", plots.under_way(f"{name}-open", loop.samples)),
            ("Memory, MB", plots.memory(f"{name}-memory", loop.samples)),
        ]
    return section
