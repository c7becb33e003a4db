"""`danbao up`: everything, in the foreground on one screen, or detached."""

import asyncio
import signal
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import asyncpg
import typer
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.live import Live

from danbao.app import PROCESSES, TOPICS_READ
from danbao.cli.exits import REFUSED, UNAVAILABLE, WRONG_USE, fail, running, settings
from danbao.engine.detached import NotStartedError, start_in_background
from danbao.engine.engine import Engine
from danbao.engine.own_screen import OwnScreen
from danbao.engine.record import EngineRecord, read_record
from danbao.kernel.errors import UnavailableError
from danbao.kernel.lag import LagMeter
from danbao.kernel.postgres.connection import PATIENT, connect
from danbao.kernel.settings import Settings

LOOK_EVERY_S = 0.5
WORKERS_MAX = 64


def up(
    workers: Annotated[
        list[str], typer.Option(help="How many workers of a service: escrow=2. May be repeated.")
    ] = [],  # noqa: B006 - typer copies it
    detach: Annotated[bool, typer.Option("--detach", help="Return once all is ready.")] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Lines of text, no screen.")] = False,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Play money: `danbao clock advance` works.")
    ] = False,
) -> None:
    """Run the whole engine: Kafka, Postgres, six services, and what works beside them.

    Example: danbao up --workers escrow=2 --workers settlement=2
    """
    counts = _counts(workers)
    chosen = settings()
    if sandbox:
        chosen = replace(chosen, sandbox=True)
    if detach:
        record = start_detached(chosen.home.absolute(), workers, sandbox=sandbox)
        typer.echo(f"the engine runs (process {record.pid}); `danbao down` stops it")
        return
    running(lambda: _run(chosen, counts, plain=plain or not sys.stdout.isatty()))


def _counts(texts: list[str]) -> dict[str, int]:
    """Parse `escrow=2`."""
    counts: dict[str, int] = {}
    for text in texts:
        name, _, number = text.partition("=")
        if name not in PROCESSES or not number.isdigit() or not 1 <= int(number) <= WORKERS_MAX:
            fail(
                f"--workers {text}: expected SERVICE=NUMBER",
                WRONG_USE,
                f"Services are: {', '.join(PROCESSES)}.",
            )
        counts[name] = int(number)
    return counts


async def _run(chosen: Settings, counts: dict[str, int], *, plain: bool) -> int:
    """Run until a signal comes."""
    console = Console(highlight=False)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    engine = Engine(chosen, counts, console.print)
    begun = time.monotonic()
    try:
        await engine.start()
        await engine.wait_until_ready(stop)
        if not stop.is_set():
            console.print(f"ready after {time.monotonic() - begun:.1f} s")
            await _watch(engine, stop, console, plain=plain)
    finally:
        console.print("stopping")
        await engine.stop()
    console.print("stopped")
    return 0


async def _watch(engine: Engine, stop: asyncio.Event, console: Console, *, plain: bool) -> None:
    """Keep the processes alive, and show them."""
    meter = LagMeter(engine.settings.kafka_bootstrap, TOPICS_READ, engine.settings.partitions)
    screen = OwnScreen(meter)
    connection = None
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while not stop.is_set():
            await engine.look()
            if not plain:
                try:
                    if connection is None or connection.is_closed():
                        connection = await connect(
                            engine.settings.postgres_dsn, purpose="screen", session=PATIENT
                        )
                    children, servers = engine.supervisor.children, engine.servers.processes
                    picture = await screen.render(connection, children, servers)
                    live.update(picture, refresh=True)
                except (UnavailableError, OSError, KafkaError, asyncpg.PostgresError):
                    connection = None
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_EVERY_S * (1 if plain else 2))
    if connection is not None:
        connection.terminate()
    await meter.close()


def start_detached(home: Path, workers: list[str], *, sandbox: bool = False) -> EngineRecord:
    """Start an engine in the background; ends the command when it does not get ready."""
    if read_record(home):
        fail("an engine runs here already", REFUSED, "Stop it with `danbao down`.")
    try:
        return start_in_background(home, workers, sandbox=sandbox)
    except NotStartedError as error:
        fail(str(error), UNAVAILABLE, error.todo)
