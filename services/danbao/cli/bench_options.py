"""The options of `danbao bench`, each with what it means."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

STAGES = ("drain",)
TRADES_MAX = 100_000
"""Of a round: its backlog is published while the engine is frozen, which must be short."""

Stage: TypeAlias = Annotated[str, typer.Option(help=f"What to measure: {', '.join(STAGES)}.")]
Trades: TypeAlias = Annotated[
    int, typer.Option(min=10, max=TRADES_MAX, help="Whole trades of a round.")
]
Rounds: TypeAlias = Annotated[int, typer.Option(min=1, max=100, help="Repetitions; medians count.")]
WarmUp: TypeAlias = Annotated[
    int, typer.Option(min=10, max=TRADES_MAX, help="Trades before anything is measured.")
]
Workers: TypeAlias = Annotated[
    list[str], typer.Option(help="How many workers of a service: escrow=2. May be repeated.")
]
Merchants: TypeAlias = Annotated[int, typer.Option(min=1, help="Sellers; trades by Zipf's law.")]
Hot: TypeAlias = Annotated[bool, typer.Option("--hot", help="One merchant has half of all trades.")]
Seed: TypeAlias = Annotated[
    int | None, typer.Option(help="Repeat a run's trades; else nobody can foresee them.")
]
Home: TypeAlias = Annotated[
    Path | None, typer.Option(help="Run in this new folder and keep it, with all logs.")
]
Audit: TypeAlias = Annotated[
    str, typer.Option(help="A command that must end with 0; {dsn} and {bootstrap} are filled in.")
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print every figure as JSON.")]
