"""The options that name a moment or a stretch of the log, the same for every command."""

from typing import Annotated

import typer

from danbao.analysis.moments import Moment, Place, Span, parse_moment
from danbao.cli.format import time_text

At = Annotated[
    str | None, typer.Option("--at", help="As of this position, date or time (UTC); default: now.")
]
Since = Annotated[
    str | None, typer.Option("--from", help="First position, date or time (UTC), included.")
]
Until = Annotated[
    str | None, typer.Option("--to", help="Last position, date or time (UTC), included.")
]


def moment(text: str | None, option: str) -> Moment | None:
    """Read the value of an option; ends the command with status 2 when it names no moment."""
    if text is None:
        return None
    try:
        return parse_moment(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def place_text(place: Place) -> str:
    """Where an answer stands, for people."""
    return f"as of position {place.position:,}, {time_text(place.recorded_at)} UTC"


def span_text(span: Span) -> str:
    """Which stretch an answer covers, for people."""
    return f"positions {span.after + 1:,} to {span.upto:,}"
