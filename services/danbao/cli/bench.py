"""`danbao bench`: how fast the engine is here, and what each part of it costs."""

import secrets
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
from aiokafka.errors import KafkaError

from danbao.bench.errors import VoidError
from danbao.bench.machine import describe_machine, now_text
from danbao.bench.measure import ALL, Found, Wanted, measure
from danbao.bench.session import Work
from danbao.cli import bench_options as option
from danbao.cli.bench_tables import tables
from danbao.cli.exits import REFUSED, UNAVAILABLE, WRONG_USE, fail
from danbao.cli.extras import analysis_extra
from danbao.cli.format import json_text, page
from danbao.kernel.errors import DanbaoError
from danbao.publisher import FlowsStuckError, PublishError
from danbao.publisher.limits import Burst
from danbao.servers import ServerError

HOT_SHARE = 0.5
FLASH_FACTOR, FLASH_S = 10.0, 10.0
SEEDS = 10**9


def bench(
    stage: option.Stage = ALL,
    trades: option.Trades = 10_000,
    rounds: option.Rounds = 3,
    warm_up: option.WarmUp = 1_000,
    in_flight: option.InFlight = 1_600,
    rate: option.Rate = 200.0,
    seconds: option.Seconds = 30.0,
    flash: option.Flash = False,
    mixed: option.Mixed = False,
    preload: option.Preload = 0,
    workers: option.Workers = [],  # noqa: B006 - typer copies it
    merchants: option.Merchants = 1_000,
    hot: option.Hot = False,
    against: option.Against = "",
    scale: option.Scale = "",
    seed: option.Seed = None,
    home: option.Home = None,
    audit: option.Audit = "",
    save: option.Save = None,
    html: option.Html = None,
    json: option.Json = False,
) -> None:
    """Measure whole trades (create, pay, ship, confirm) in an engine of its own, stopped after.

    drain: the backlog of each step lies ready in Kafka, so the generator costs nothing.
    closed: so many trades in flight, for the top rate.  open: trades begin by Poisson at a rate;
    latency counts from the intended time, and a bare echo is timed beside it.
    kernel, relay, projector, replay: one part alone, on a log of so many trades.
    all, the default: drain, closed and open, one after the other.
    Processor time a trade holds on a busy machine too; rates are of this machine, now.
    A run is void (status 1) when what was sent and what the log has differ, or the audit fails.

    Example: danbao bench --stage drain --against HEAD~10
    """
    if stage not in option.STAGE_NAMES:
        fail(f"no stage {stage!r}", WRONG_USE, f"There are: {', '.join(option.STAGE_NAMES)}.")
    if against and stage == "replay":
        fail("replay reads with this build only", WRONG_USE, "Leave --against out.")
    if sum(map(bool, (against, scale, hot))) > 1:
        fail("--against, --scale and --hot exclude each other", WRONG_USE)
    begin_s = seconds / 3
    wanted = Wanted(
        stage=stage, trades=trades, rounds=rounds, warm_up=warm_up, in_flight=in_flight,
        rate=rate, seconds=seconds, preload=preload, against=against, scale=_counts(scale),
        home=home, audit=audit,
        work=Work(merchants, HOT_SHARE if hot else 0.0, mixed), workers=tuple(workers),
        burst=Burst(FLASH_FACTOR, begin_s, begin_s + FLASH_S) if flash else None,
        seed=secrets.randbelow(SEEDS) if seed is None else seed,
    )  # fmt: skip
    _report(f"seed {wanted.seed}")
    _measure(wanted, save, html, json=json)


def _measure(wanted: Wanted, save: Path | None, html: Path | None, *, json: bool) -> None:
    """Measure, keep what was found, and print it."""
    machine, found = describe_machine(), _measured(wanted)
    figures = {
        **found.figures, "stage": wanted.stage, "seed": wanted.seed, "at": now_text(),
        "machine": machine,
        "workers": list(wanted.workers), "hot": wanted.work.hot, "mixed": wanted.work.mixed,
        "preload": wanted.preload,
    }  # fmt: skip
    if save is not None:
        _write(save, json_text(figures) + "\n")
    if html is not None:
        with analysis_extra():
            from danbao.cli.bench_page import render_bench  # noqa: PLC0415 - an extra, and slow
        _write(html, render_bench(figures, found.loops))
    _show(figures, json=json)


def _counts(text: str) -> tuple[int, ...]:
    """Parse `1,2,4`."""
    counts = tuple(int(part) for part in text.split(",") if part.isdigit() and int(part))
    if text and (len(counts) < 2 or len(counts) != len(text.split(","))):  # noqa: PLR2004
        fail(f"--scale {text}: expected numbers such as 1,2,4", WRONG_USE)
    return counts


def _measured(wanted: Wanted) -> Found:
    """Measure; a run that does not count ends the command."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is stopped, too
    try:
        return measure(wanted, _report)
    except (VoidError, FlowsStuckError) as error:
        fail(f"VOID: {error}", REFUSED, error.todo)
    except (DanbaoError, ServerError) as error:
        fail(f"{error.code}: {error}", UNAVAILABLE, getattr(error, "todo", ""))
    except (KafkaError, PublishError) as error:
        fail(f"Kafka does not answer: {error!r}", UNAVAILABLE)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}", REFUSED)


def _show(figures: Mapping[str, Any], *, json: bool) -> None:
    """Print what was found."""
    if json:
        typer.echo(json_text(figures))
        return
    console = page()
    for table in tables(figures):
        console.print(table)


def _report(line: str) -> None:
    sys.stderr.write(f"{line}\n")
