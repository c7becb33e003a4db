"""`danbao log`: page through the log, or follow it."""

import asyncio
import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

import typer

from danbao.analysis.cloud_events import cloud_event
from danbao.analysis.log_pages import last_position, read_events
from danbao.analysis.wanted import Wanted
from danbao.cli.connect import postgres_address, reader, run
from danbao.cli.format import short_text, time_text
from danbao.kernel.messages import LogRow

SHOWN_MAX = 100
"""Events shown to a person who gave no --limit."""
FOLLOW_POLL_S = 0.5
LINE_CELLS = 200
"""Width of a line that does not go to a terminal."""

Flow = Annotated[str | None, typer.Option(help="Only this flow: a trade id, an account id.")]
Stream = Annotated[str | None, typer.Option(help="Only this stream, such as trade/T-1.")]
Type = Annotated[str | None, typer.Option("--type", help="Only this type; * is anything.")]
From = Annotated[int | None, typer.Option("--from", min=1, help="First position; 1 is the first.")]
Limit = Annotated[
    int | None,
    typer.Option(min=1, help=f"At most so many; {SHOWN_MAX} unless given, all with --json."),
]
Follow = Annotated[bool, typer.Option("--follow", help="Go on with new events; Ctrl-C ends it.")]
Json = Annotated[bool, typer.Option("--json", help="One CloudEvent as JSON on each line.")]


@dataclass(frozen=True, slots=True)
class _View:
    """How the events are shown."""

    start: int | None
    limit: int | None
    follow: bool
    json: bool


def log(
    flow: Flow = None,
    stream: Stream = None,
    type_: Type = None,
    from_: From = None,
    limit: Limit = None,
    follow: Follow = False,
    json: Json = False,
) -> None:
    """Show the events of the log in the order of their positions.

    With --follow and without --from it begins with the next event that happens.

    Example: danbao log --flow T-1

    Example: danbao log --type 'escrow.*' --from 1000 --json
    """
    if limit is None and not (json or follow):
        limit = SHOWN_MAX
    wanted, view = Wanted(flow, stream, type_), _View(from_, limit, follow, json)
    with suppress(*([KeyboardInterrupt] if follow else [])):
        run(_show(postgres_address(), wanted, view))


async def _show(dsn: str, wanted: Wanted, view: _View) -> None:
    """Print what is there, then what comes."""
    async with reader(dsn) as connection:
        head = await last_position(connection)
        after = view.start - 1 if view.start is not None else head if view.follow else 0
        shown = 0
        while True:
            async for row in read_events(connection, wanted, after, head):
                if shown == view.limit:
                    typer.echo(f"there is more: go on with --from {row.position}", err=True)
                    return
                typer.echo(cloud_event(row) if view.json else event_line(row, _cells()))
                shown += 1
            if not view.follow or shown == view.limit:
                return
            sys.stdout.flush()
            after = max(after, head)
            await asyncio.sleep(FOLLOW_POLL_S)
            head = await last_position(connection)


def event_line(row: LogRow, cells: int) -> str:
    """One event for people: place, time, type, stream and version, flow, the beginning of data."""
    line = (
        f"{row.position:>8}  {time_text(row.recorded_at)}  {row.type:<36}  "
        f"{row.stream} v{row.version}  flow {row.partition_key}  {row.data}"
    )
    return short_text(line, cells)


def _cells() -> int:
    """Width of a line: the terminal's, if there is one."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else LINE_CELLS
