"""Moments of the log: a position, or a time, which stands for a prefix of the log.

`recorded_at` never falls from one position to the next, so "as of a time" is "as of a position".
A time without a zone is UTC; a date alone is the whole day, from its first event to its last.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

import asyncpg

from danbao.analysis.errors import NotThereError
from danbao.kernel.sql import load_queries

Q = load_queries("danbao.analysis", "moments.sql")
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)

Moment: TypeAlias = int | datetime | date


@dataclass(frozen=True, slots=True)
class Place:
    """A position and when its event was recorded; position 0 is before the first event."""

    position: int
    recorded_at: datetime | None


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the log: positions above `after`, up to `upto`."""

    after: int
    upto: int

    @property
    def count(self) -> int:
        """How many positions it has; there are no gaps."""
        return self.upto - self.after


def parse_moment(text: str) -> Moment:
    """Read a position, a date or a time.

    Raises:
        ValueError: it is none of them.
    """
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        if len(text) == len("2026-01-05"):
            return date.fromisoformat(text)
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is no position, date or time, such as 1200, 2026-01-05 or "
            "2026-01-05T12:00:00Z"
        ) from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


async def place_at(connection: asyncpg.Connection, moment: Moment | None) -> Place:
    """Give the last event of the moment; None stands for now.

    Raises:
        NotThereError: a position beyond the last event, or a time before the first.
    """
    head = await connection.fetchrow(Q["head"])
    assert head is not None
    if moment is None:
        return Place(head["position"], head["recorded_at"] if head["position"] else None)
    if isinstance(moment, int):
        if moment > head["position"]:
            raise NotThereError(
                f"position {moment} is beyond the last event, {head['position']}",
                todo="`danbao log --follow` shows events as they come.",
            )
        return Place(moment, await connection.fetchval(Q["recorded_at"], moment))
    position = await connection.fetchval(Q["last_before"], _end(moment))
    if not position:
        first = head["first_at"]
        raise NotThereError(
            f"{moment} is before the first event"
            + (f", which is of {first.isoformat()}" if first else ": the log is empty"),
            todo="Times without a zone are UTC.",
        )
    return Place(position, await connection.fetchval(Q["recorded_at"], position))


async def span_of(
    connection: asyncpg.Connection, first: Moment | None, last: Moment | None
) -> Span:
    """Give the stretch from one moment to another, both included; None stands for the ends.

    Raises:
        NotThereError: see `place_at`; or the last lies before the first.
    """
    upto = (await place_at(connection, last)).position
    if first is None:
        after = 0
    elif isinstance(first, int):
        after = max(0, first - 1)
    else:
        after = await connection.fetchval(Q["last_before"], _start(first))
    if after > upto:
        raise NotThereError(f"{first} is after the last event that is asked for, {upto}")
    return Span(after, upto)


def _end(moment: datetime | date) -> datetime:
    """The first time after the moment."""
    return moment + TICK if isinstance(moment, datetime) else _start(moment) + DAY


def _start(moment: datetime | date) -> datetime:
    if isinstance(moment, datetime):
        return moment
    return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
