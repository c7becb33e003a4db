"""`danbao demo`: a market day from nothing, and what became of it, for a person to read."""

import os
import shutil
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from danbao.cli.connect import reader, run
from danbao.cli.demo_speed import Speed, measure_speed, speed_table
from danbao.cli.down import stop_engine
from danbao.cli.exits import REFUSED, fail, settings
from danbao.cli.format import page
from danbao.cli.publish import publish_and_show
from danbao.cli.summary import show_summary
from danbao.cli.summary_figures import Summary, read_summary
from danbao.cli.up import start_detached
from danbao.cli.wait import wait_idle
from danbao.engine.record import EngineRecord, read_record
from danbao.publisher import FlowsStuckError, Limits
from danbao.servers import LocalServers
from danbao.testing.market import simulate_market, write_market

IN_FLIGHT = 1_000
FLOW_TIMEOUT_S = 60.0


def demo(
    trades: Annotated[int, typer.Option(min=10, help="Trades of the market day.")] = 3_000,
    seed: Annotated[int, typer.Option(help="Another seed is another day.")] = 7,
    speed: Annotated[
        int, typer.Option(min=0, help="Whole trades to measure speed with; 0 leaves it out.")
    ] = 8_000,
) -> None:
    """Start an engine in a home of its own, publish a simulated market day, sum it up, stop.

    Status 1 when the books do not balance.
    Example: danbao demo --trades 1000 --seed 42
    """
    home = settings().home.absolute() / "demo"
    os.environ["DANBAO_HOME"] = str(home)
    console = page()
    _clear(home)
    begun = time.monotonic()
    record = start_detached(home, [])
    console.print(
        f"started Kafka, Postgres, six services, relay, projector, scheduler, bookkeeper, "
        f"checkpointer in {time.monotonic() - begun:.1f} s"
    )
    try:
        found, measured = _play(console, home, record, trades, seed, speed)
    except FlowsStuckError as error:
        fail(str(error), REFUSED, error.todo)
    finally:
        stop_engine(record, within=30)
    show_summary(found, console)
    for table in speed_table(measured):
        console.print(table)
    console.print(
        f"Look around: DANBAO_HOME={_short(home)} danbao up, then danbao log, danbao trade, …"
    )
    if not found.is_balanced:
        raise typer.Exit(REFUSED)


def _play(
    console: Console, home: Path, record: EngineRecord, trades: int, seed: int, speed: int
) -> tuple[Summary, list[Speed]]:
    """Publish the day, read the summary, measure."""
    quiet = not sys.stderr.isatty()
    files = [str(path) for path in write_market(simulate_market(trades, seed), home / "market")]
    console.print(f"publishing a market day of {trades:,} trades (seed {seed})")
    limits = Limits(in_flight=IN_FLIGHT, timeout_s=FLOW_TIMEOUT_S)
    day = publish_and_show(record.kafka_bootstrap, files, limits, quiet=quiet)
    wait_idle(record, within=FLOW_TIMEOUT_S)
    console.print(
        f"{day.commands:,} commands and {sum(day.events.values()):,} events "
        f"in {day.seconds:.1f} s, timers included"
    )
    found = run(_read(record.postgres_dsn))
    measured = measure_speed(console, record, speed, seed) if speed else []
    return found, measured


async def _read(dsn: str) -> Summary:
    async with reader(dsn) as connection:
        return await read_summary(connection)


def _clear(home: Path) -> None:
    """Begin anew: a demo's data is of no worth, but a running engine's is."""
    if running := read_record(home):
        fail(f"a demo runs already (process {running.pid})", REFUSED, "Wait for its end.")
    if home.exists():
        LocalServers(home, lambda _: None).remove_outside_data()
        shutil.rmtree(home)
    home.mkdir(parents=True)


def _short(path: Path) -> str:
    """A path as one would type it here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
