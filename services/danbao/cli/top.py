"""`danbao top` and `danbao lag`: the engine on one screen, and what waits where."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Annotated

import asyncpg
import msgspec
import typer
from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from danbao.app import TOPICS_READ
from danbao.cli.connect import known_addresses, reader, run
from danbao.cli.exits import UNAVAILABLE, fail, settings
from danbao.cli.format import PAGE_CELLS, json_text, plain_table
from danbao.engine.figures import EngineFigures, TopicLag, read_figures, read_topic_lags
from danbao.engine.record import read_record
from danbao.engine.screen import age_text, picture
from danbao.engine.top import Top, processes_of
from danbao.kernel.errors import UnavailableError
from danbao.kernel.lag import LagMeter

BETWEEN_S = 0.5
"""A rate needs two looks: a single page waits so long between them."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Every = Annotated[float, typer.Option(help="Seconds between two looks.", min=0.2, max=3600)]
Draw = Callable[[], Awaitable[RenderableType]]


def lag(
    json: Json = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Again and again; Ctrl-C ends it.")
    ] = False,
    every: Every = 1.0,
) -> None:
    """Say what waits where: records by service and topic, relay, read models, timers, letters.

    Seconds are the age of the first record, event or deadline that waits.

    Example: danbao lag --watch
    """
    run(_lag(json=json, watch=watch, every=every))


async def _lag(*, json: bool, watch: bool, every: float) -> None:
    async with _engine() as (connection, meter, _):

        async def look() -> tuple[EngineFigures, list[TopicLag]]:
            return await read_figures(connection, meter), await read_topic_lags(connection, meter)

        if json:
            figures, lags = await look()
            typer.echo(json_text({"engine": figures, "lag": lags}))
            return

        async def draw() -> RenderableType:
            return _lag_table(*await look())

        await _show(draw, every if watch else None)


def _lag_table(figures: EngineFigures, lags: list[TopicLag]) -> RenderableType:
    table = plain_table("who", "reads", "lag", "oldest", right=("lag", "oldest"))
    for each in lags:
        oldest = age_text(each.seconds) if each.records else ""
        table.add_row(each.service, each.topic.removeprefix("danbao."), f"{each.records:,}", oldest)
    rest = [("relay", "the log", figures.relay)]
    rest += [("projector", model, waiting) for model, waiting in figures.projections.items()]
    rest += [("scheduler", "timers", figures.timers)]
    for who, what, waiting in rest:
        oldest = age_text(waiting.seconds) if waiting.count else ""
        table.add_row(who, what, f"{waiting.count:,}", oldest)
    for service, count in figures.letters.items():
        if count:
            table.add_row(service, "dead letters", f"{count:,}", "", style="bold red")
    return table


def top(
    once: Annotated[bool, typer.Option("--once", help="One picture, no screen.")] = False,
    json: Json = False,
    every: Every = 1.0,
) -> None:
    """Show the engine on a live screen: processes, rates, lag, delays; Ctrl-C ends it.

    What waits is asked of Postgres and Kafka; each process of this home tells the rest itself.

    Example: danbao top
    """
    run(_top(is_once=once, json=json, every=every))


async def _top(*, is_once: bool, json: bool, every: float) -> None:
    async with _engine() as (connection, meter, health):
        looker = Top(meter, health)

        async def draw() -> RenderableType:
            look = await looker.look(connection)
            foot = "Ctrl-C ends it." if health else "No engine runs in this home: figures only."
            return picture(look.engine, look.events_per_s, processes_of(look), foot)

        if is_once or json:
            await looker.look(connection)
            await asyncio.sleep(BETWEEN_S)
        if json:
            typer.echo(json_text(msgspec.to_builtins(await looker.look(connection))))
        else:
            await _show(draw, None if is_once else every)


@asynccontextmanager
async def _engine() -> AsyncIterator[tuple[asyncpg.Connection, LagMeter, dict[str, str]]]:
    """Connect to both servers; also gives where this home's processes answer."""
    chosen = settings()
    addresses, record = known_addresses(chosen), read_record(chosen.home.absolute())
    if not (addresses.postgres_dsn and addresses.kafka_bootstrap):
        fail("no engine runs here", UNAVAILABLE, "Start it with `danbao up`.")
    partitions = record.partitions if record else chosen.partitions
    meter = LagMeter(addresses.kafka_bootstrap, TOPICS_READ, partitions)
    async with reader(addresses.postgres_dsn) as connection:
        try:
            yield connection, meter, dict(record.health) if record else {}
        finally:
            await meter.close()


async def _show(draw: Draw, every: float | None) -> None:
    """Draw once, or on a live screen until a signal comes; a server that is away is waited for."""
    if every is None:
        console = Console(highlight=False)
        console = console if console.is_terminal else Console(width=PAGE_CELLS, highlight=False)
        console.print(await draw())
        return
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    with Live(console=Console(highlight=False), auto_refresh=False, screen=True) as live:
        while not stop.is_set():
            try:
                live.update(await draw(), refresh=True)
            except UnavailableError as error:
                live.update(Text(str(error), "bold red"), refresh=True)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every)
