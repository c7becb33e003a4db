"""`python -m danbao.testing.simulation`: run seeds, and say what they found."""

import json
import sys
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from danbao.testing.simulation.faults import Fault, Options
from danbao.testing.simulation.report import as_json, as_lines
from danbao.testing.simulation.shrink import shrink
from danbao.testing.simulation.sweep import sweep

FAILED = 1
FAILURES_SHRUNK_MAX = 3

Seeds = Annotated[str, typer.Option(help="One seed (17), or from the first to the last (1-200).")]
Commands = Annotated[int, typer.Option(min=1, help="How many commands clients send in each run.")]
Jobs = Annotated[int, typer.Option(min=1, help="Processes that run simulations side by side.")]
Without = Annotated[list[Fault] | None, typer.Option(help="A kind of faults that does not strike.")]
Always = Annotated[
    list[Fault] | None, typer.Option("--with", help="A kind of faults that strikes often.")
]
Twice = Annotated[int, typer.Option(min=0, help="Run so many seeds again: they must repeat.")]
Trace = Annotated[bool, typer.Option("--trace", help="Show what happened last in failing runs.")]
Shrink = Annotated[bool, typer.Option(help="Look for a smaller run that fails too.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

app = typer.Typer(add_completion=False)


@app.command()
def main(  # noqa: PLR0913, PLR0917 - options
    seeds: Seeds = "1-20",
    commands: Commands = 300,
    jobs: Jobs = 1,
    without: Without = None,
    always: Always = None,
    twice: Twice = 0,
    trace: Trace = False,  # noqa: FBT002
    shrinking: Shrink = True,  # noqa: FBT002
    json_: Json = False,  # noqa: FBT002
) -> None:
    """Run the whole engine in virtual time with faults from seeds, and check every promise.

    Ends with 0 when all is well, 1 when something was found, 2 for wrong use.

    Example: python -m danbao.testing.simulation --seeds 1-200 --commands 300 --jobs 2
    """
    kinds = tuple(without or ()), tuple(always or ())
    options = [Options(seed, commands, *kinds) for seed in _range(seeds)]
    begun = time.monotonic()
    with _progress(quiet=json_) as progress:
        task = progress.add_task("seeds", total=len(options) + min(twice, len(options)))
        found = sweep(options, jobs=jobs, twice=twice, each=lambda _: progress.advance(task))
    seconds = time.monotonic() - begun
    smaller = [shrink(each) for each in found.failed[:FAILURES_SHRUNK_MAX]] if shrinking else []
    if json_:
        typer.echo(json.dumps(as_json(found, smaller, seconds)))
    else:
        for line in as_lines(found, smaller, seconds, trace=trace):
            typer.echo(line)
    if not found.is_green:
        raise typer.Exit(FAILED)


def _range(text: str) -> range:
    first, _, last = text.partition("-")
    if not first.isdigit() or not (last or first).isdigit() or int(first) > int(last or first):
        raise typer.BadParameter(f"{text!r} is no seed and no range", param_hint="--seeds")
    return range(int(first), int(last or first) + 1)


def _progress(*, quiet: bool) -> Progress:
    console = Console(stderr=True)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(
        *columns, console=console, transient=True, disable=quiet or not sys.stderr.isatty()
    )


if __name__ == "__main__":
    app()
