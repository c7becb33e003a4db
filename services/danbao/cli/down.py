"""`danbao down`: stop the engine of this home."""

import time
from typing import Annotated

import typer

from danbao.cli.exits import REFUSED, UNAVAILABLE, fail, settings
from danbao.engine.detached import NotStoppedError, stop_and_wait
from danbao.engine.record import EngineRecord, read_record


def down(
    within: Annotated[float, typer.Option(help="Seconds to wait for a clean stop.")] = 30.0,
) -> None:
    """Stop the engine that runs in this home, cleanly.

    Example: danbao down
    """
    home = settings().home.absolute()
    record = read_record(home)
    if record is None:
        typer.echo("no engine runs here")
        raise typer.Exit(REFUSED)
    begun = time.monotonic()
    stop_engine(record, within)
    typer.echo(f"stopped after {time.monotonic() - begun:.1f} s")


def stop_engine(record: EngineRecord, within: float) -> None:
    """Ask an engine to stop, and wait until it has; ends the command when it does not."""
    try:
        stop_and_wait(record, within)
    except NotStoppedError as error:
        fail(str(error), UNAVAILABLE)
