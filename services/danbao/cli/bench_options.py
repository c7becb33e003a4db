"""The options of `danbao bench`, each with what it means."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from danbao.bench.measure import ALL, STAGES

STAGE_NAMES = (ALL, *STAGES)
TRADES_MAX = 100_000
"""Of a round: its backlog is published while the engine is frozen, which must be short."""

Stage: TypeAlias = Annotated[str, typer.Option(help=f"What to measure: {', '.join(STAGE_NAMES)}.")]
Trades: TypeAlias = Annotated[
    int, typer.Option(min=10, max=TRADES_MAX, help="Whole trades of a round.")
]
Rounds: TypeAlias = Annotated[int, typer.Option(min=1, max=100, help="Repetitions; medians count.")]
WarmUp: TypeAlias = Annotated[
    int, typer.Option(min=10, max=TRADES_MAX, help="Trades before anything is measured.")
]
InFlight: TypeAlias = Annotated[
    int, typer.Option(min=1, max=100_000, help="Trades in flight, of `closed`.")
]
Rate: TypeAlias = Annotated[
    float, typer.Option(min=1, max=100_000, help="Trades begun a second, of `open`.")
]
Seconds: TypeAlias = Annotated[
    float, typer.Option(min=1, max=86_400, help="How long trades begin, of `open`.")
]
Flash: TypeAlias = Annotated[
    bool, typer.Option("--flash", help="A third into `open`, ten times the rate for 10 s.")
]
Mixed: TypeAlias = Annotated[
    bool, typer.Option("--mixed", help="With refunds, time-outs, declines, commands sent twice.")
]
Preload: TypeAlias = Annotated[
    int, typer.Option(min=0, help="Events to be in the log before; they are made by trades.")
]
Workers: TypeAlias = Annotated[
    list[str], typer.Option(help="How many workers of a service: escrow=2. May be repeated.")
]
Merchants: TypeAlias = Annotated[int, typer.Option(min=1, help="Sellers; trades by Zipf's law.")]
Hot: TypeAlias = Annotated[
    bool,
    typer.Option("--hot", help="One merchant has half of all trades; in turns with none."),
]
Scale: TypeAlias = Annotated[
    str, typer.Option(help="Workers of each service, in turns: 1,2,4 gives their ratios.")
]
Against: TypeAlias = Annotated[
    str, typer.Option(help="A commit to measure beside this build, in turns: a ratio comes out.")
]
Seed: TypeAlias = Annotated[
    int | None, typer.Option(help="Repeat a run's trades; else nobody can foresee them.")
]
Home: TypeAlias = Annotated[
    Path | None, typer.Option(help="Run in this new folder and keep it, with all logs.")
]
Audit: TypeAlias = Annotated[
    str, typer.Option(help="A command that must end with 0; {dsn} and {bootstrap} are filled in.")
]
Html: TypeAlias = Annotated[Path | None, typer.Option(help="Write a page with plots to this file.")]
Save: TypeAlias = Annotated[Path | None, typer.Option(help="Write every figure to this JSON file.")]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print every figure as JSON.")]
