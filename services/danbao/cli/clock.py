"""`danbao clock`: what time it is for all that expires, and moving it in a sandbox."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from danbao.cli.exits import WRONG_USE, engine_here, fail, running, settings
from danbao.cli.format import json_text, page, plain_table, time_text
from danbao.engine.clock import ClockState, Mover, read_clock
from danbao.kernel.postgres.connection import PATIENT, connect

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN = re.compile(r"(?:\d+[smhdw])+")
_PART = re.compile(r"(\d+)([smhdw])")

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
app = typer.Typer(help="What time it is for all that expires; a sandbox can move it.")


@app.command()
def show(json: Json = False) -> None:
    """Show the clock, by how much it was moved, and the next deadline.

    Example: danbao clock show
    """
    running(lambda: _show(json=json))


@app.command()
def advance(
    span: Annotated[str, typer.Argument(help="How long: 10d, 1d12h, 90m.")] = "",
    until: Annotated[str, typer.Option(help="Or until when: 2026-03-01T00:00Z.")] = "",
    within: Annotated[
        float, typer.Option("--timeout", help="Seconds to wait at a stop until nothing moves.")
    ] = 120.0,
    json: Json = False,
) -> None:
    """Let time pass in a sandbox: deadlines fire one after the other, each at its own time.

    Example: danbao clock advance 10d

    Example: danbao clock advance --until 2027-01-01T00:00Z --json
    """
    if bool(span) == bool(until):
        fail("expected either how long or --until", WRONG_USE, "danbao clock advance 10d")
    by = parse_span(span) if span else None
    end = parse_moment(until) if until else None
    running(lambda: _advance(by, end, within, json=json))


def parse_span(text: str) -> timedelta:
    """Read a span such as `1d12h`."""
    if not _SPAN.fullmatch(text):
        fail(f"{text!r} is no span of time", WRONG_USE, "Such as 10d, 1d12h, 90m, 45s, 2w.")
    parts = [(UNITS[unit], int(number)) for number, unit in _PART.findall(text)]
    try:
        return sum((timedelta(**{name: number}) for name, number in parts), timedelta(0))
    except OverflowError:
        fail(f"{text!r} is too long a span", WRONG_USE)


def parse_moment(text: str) -> datetime:
    """Read a moment; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{text!r} is no moment", WRONG_USE, "Such as 2027-01-01T00:00Z.")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def _show(*, json: bool) -> int:
    chosen = settings()
    dsn = chosen.postgres_dsn or engine_here(chosen).postgres_dsn
    connection = await connect(dsn, purpose="clock", session=PATIENT, role=None)
    try:
        state = await read_clock(connection)
    finally:
        await connection.close()
    if json:
        typer.echo(json_text(state))
    else:
        page().print(_table(state))
    return 0


def _table(state: ClockState) -> object:
    table = plain_table("what", "")
    table.add_row("now", time_text(state.now))
    table.add_row("moved by", str(timedelta(seconds=round(state.moved_s))))
    table.add_row("sandbox", "yes" if state.is_sandbox else "no: the clock cannot be moved")
    table.add_row("deadlines", str(state.deadlines))
    table.add_row("next deadline", time_text(state.next_at) if state.next_at else "none")
    return table


async def _advance(
    by: timedelta | None, until: datetime | None, within: float, *, json: bool
) -> int:
    chosen = settings()
    record = engine_here(chosen)
    connection = await connect(record.postgres_dsn, purpose="clock", session=PATIENT, role=None)
    try:
        before = await read_clock(connection)
        end = until if until is not None else before.now + (by or timedelta(0))
        if end < before.now:
            fail(f"it is {before.now:%Y-%m-%d %H:%M} already", WRONG_USE, "Time goes forward only.")
        mover = Mover(connection, record.kafka_bootstrap, record.partitions, within)
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            disable=json,
        )
        with bar:
            task = bar.add_task(time_text(before.now), total=(end - before.now).total_seconds())

            def report(now: datetime) -> None:
                passed = (now - before.now).total_seconds()
                bar.update(task, completed=passed, description=time_text(now))

            stops = await mover.advance(end, report)
        after = await read_clock(connection)
    finally:
        await asyncio.wait_for(connection.close(), 5)
    if json:
        typer.echo(json_text({"from": before.now, "now": after.now, "stops": stops}))
    else:
        typer.echo(f"it is {time_text(after.now)}; {stops} stops on the way")
    return 0
