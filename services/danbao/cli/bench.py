"""`danbao bench`: how fast the engine is here, and what each part of it costs."""

import secrets
import sys

import typer

from danbao.bench.drain import Round
from danbao.bench.errors import VoidError
from danbao.bench.figures import drain_figures
from danbao.bench.staged import Wanted, measure_drain
from danbao.cli import bench_options as option
from danbao.cli.bench_tables import drain_tables
from danbao.cli.exits import REFUSED, UNAVAILABLE, WRONG_USE, fail
from danbao.cli.format import json_text, page
from danbao.kernel.errors import DanbaoError
from danbao.publisher import FlowsStuckError
from danbao.servers import ServerError

HOT_SHARE = 0.5
SEEDS = 10**9


def bench(
    stage: option.Stage = "drain",
    trades: option.Trades = 10_000,
    rounds: option.Rounds = 3,
    warm_up: option.WarmUp = 1_000,
    workers: option.Workers = [],  # noqa: B006 - typer copies it
    merchants: option.Merchants = 1_000,
    hot: option.Hot = False,
    seed: option.Seed = None,
    home: option.Home = None,
    audit: option.Audit = "",
    json: option.Json = False,
) -> None:
    """Measure whole trades (create, pay, ship, confirm) in an engine of its own, stopped after.

    `--stage drain`: the backlog of each step lies ready in Kafka, so the generator costs nothing.
    Processor time a trade holds on a busy machine too; rates are of this machine, now.
    A run is void (status 1) when what was sent and what the log has differ, or the audit fails.

    Example: danbao bench --stage drain --trades 10000 --rounds 3
    """
    if stage not in option.STAGES:
        fail(f"no stage {stage!r}", WRONG_USE, f"There are: {', '.join(option.STAGES)}.")
    chosen = secrets.randbelow(SEEDS) if seed is None else seed
    _report(f"seed {chosen}")
    wanted = Wanted(
        trades=trades,
        rounds=rounds,
        warm_up=warm_up,
        merchants=merchants,
        hot=HOT_SHARE if hot else 0.0,
        seed=chosen,
        workers=tuple(workers),
        home=home,
        audit=audit,
    )
    figures = drain_figures(_measured(wanted))
    if json:
        typer.echo(json_text({"stage": stage, "seed": chosen, "workers": workers, **figures}))
        return
    console = page()
    for table in drain_tables(figures):
        console.print(table)


def _measured(wanted: Wanted) -> list[Round]:
    """Measure; a run that does not count ends the command."""
    try:
        return measure_drain(wanted, _report)
    except (VoidError, FlowsStuckError) as error:
        fail(f"VOID: {error}", REFUSED, error.todo)
    except (DanbaoError, ServerError) as error:
        fail(f"{error.code}: {error}", UNAVAILABLE, getattr(error, "todo", ""))


def _report(line: str) -> None:
    sys.stderr.write(f"{line}\n")
