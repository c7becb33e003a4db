"""One day (UTC) in figures: trades, volume, fees, refusals, merchants, the reserve over time."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

import asyncpg

from danbao.analysis.balances import lines_as_of
from danbao.analysis.errors import NotThereError
from danbao.analysis.moments import Span, place_at, span_of
from danbao.kernel.sql import load_queries
from danbao.ledger.books import BookLine

Q = load_queries("danbao.analysis", "day.sql")
SLICE_POSITIONS = 20_000
WIDTHS = tuple(timedelta(minutes=minutes) for minutes in (60, 30, 15, 5, 1))
"""How wide a point in time may be; the widest that gives enough points."""
POINTS_MIN = 18
STEPS: Mapping[str, str] = {
    "escrow.trade_created.v1": "WAIT_BUYER_PAY",
    "escrow.trade_funded.v1": "WAIT_SELLER_SEND_GOODS",
    "escrow.trade_shipped.v1": "WAIT_BUYER_CONFIRM_GOODS",
    "escrow.trade_released.v1": "TRADE_SUCCESS",
    "escrow.trade_closed.v1": "TRADE_CLOSED",
}
"""The events that move a trade on, each with the state it leads to."""
FUNNEL = ("created", "paid", "shipped", "succeeded", "closed")


@dataclass(slots=True)
class Point:
    """What happened from one time to the next, in one currency."""

    at: datetime
    currency: str
    payments: int = 0
    paid_minor: int = 0
    fee_minor: int = 0


@dataclass(slots=True)
class MerchantDay:
    """What a merchant was credited in one currency."""

    merchant: str
    currency: str
    credits: int = 0
    gross_minor: int = 0
    fee_minor: int = 0
    net_minor: int = 0


@dataclass(frozen=True, slots=True)
class Reserve:
    """The books at a moment of the day."""

    at: datetime
    position: int
    lines: Sequence[BookLine]


@dataclass(slots=True)
class Day:
    """All figures of a day."""

    date: date
    span: Span
    width: timedelta
    funnel: Mapping[str, int] = field(default_factory=dict)
    """Of the trades created on the day: how many got so far on the same day."""
    states: Mapping[str, int] = field(default_factory=dict)
    """Of the same trades: their states when the day ended."""
    points: list[Point] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    declines: Counter[str] = field(default_factory=Counter)
    merchants: list[MerchantDay] = field(default_factory=list)
    """The one with the largest gross first."""
    reserve: list[Reserve] = field(default_factory=list)
    """One moment after the other; the last one is the end of the day."""


async def read_day(connection: asyncpg.Connection, day: date) -> Day:
    """Read a day; it takes seconds for a million events.

    Raises:
        NotThereError: nothing was recorded on the day.
    """
    span = await span_of(connection, day, day)
    if not span.count:
        raise NotThereError(f"no event was recorded on {day} (UTC)")
    first = (await place_at(connection, span.after + 1)).recorded_at
    last = (await place_at(connection, span.upto)).recorded_at
    assert first is not None
    assert last is not None
    found = Day(day, span, _width(last - first))
    found.funnel, found.states = await _trades(connection, span)
    await _money(connection, found)
    async for rows in _slices(connection, "codes", span):
        for row in rows:
            (found.declines if row["is_decline"] else found.refusals)[row["code"]] += row["count"]
    for at in _moments(first, last, found.width):
        place = await place_at(connection, at)
        lines = await lines_as_of(connection, place.position)
        found.reserve.append(Reserve(at, place.position, lines))
    return found


async def _trades(
    connection: asyncpg.Connection, span: Span
) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Follow the trades that were created in the stretch."""
    seen: Counter[str] = Counter()
    states: dict[str, str] = {}
    names = dict(zip(STEPS, FUNNEL, strict=True))
    async for rows in _slices(connection, "steps", span, list(STEPS)):
        for stream, kind in rows:
            if kind != "escrow.trade_created.v1" and stream not in states:
                continue
            states[stream] = STEPS[kind]
            seen[names[kind]] += 1
    ends = Counter(states.values())
    return {name: seen[name] for name in FUNNEL}, {name: ends[name] for name in STEPS.values()}


async def _money(connection: asyncpg.Connection, day: Day) -> None:
    """Add volume and fees up, by time and by merchant."""
    points: dict[tuple[datetime, str], Point] = {}
    merchants: dict[tuple[str, str], MerchantDay] = {}
    start = datetime.combine(day.date, time(), UTC)
    async for rows in _slices(connection, "paid", day.span, day.width, start):
        for at, currency, count, minor in rows:
            point = points.setdefault((at, currency), Point(at, currency))
            point.payments += count
            point.paid_minor += minor
    async for rows in _slices(connection, "credits", day.span, day.width, start):
        for at, merchant, currency, count, gross, fee, net in rows:
            points.setdefault((at, currency), Point(at, currency)).fee_minor += fee
            line = merchants.setdefault((merchant, currency), MerchantDay(merchant, currency))
            line.credits += count
            line.gross_minor += gross
            line.fee_minor += fee
            line.net_minor += net
    day.points = [points[key] for key in sorted(points)]
    day.merchants = sorted(
        merchants.values(), key=lambda line: (line.currency, -line.gross_minor, line.merchant)
    )


async def _slices(
    connection: asyncpg.Connection, name: str, span: Span, *more: object
) -> AsyncIterator[Sequence[asyncpg.Record]]:
    for start in range(span.after, span.upto, SLICE_POSITIONS):
        end = min(start + SLICE_POSITIONS, span.upto)
        yield await connection.fetch(Q[name], start, end, *more)


def _width(length: timedelta) -> timedelta:
    """How wide a point is, so that a short day has points enough and a long one not too many."""
    return next((width for width in WIDTHS if length >= POINTS_MIN * width), WIDTHS[-1])


def _moments(first: datetime, last: datetime, width: timedelta) -> Iterable[datetime]:
    """The moments of a day at which the reserve is looked at: its points' ends, and its end."""
    midnight = datetime.combine(first.date(), time(), UTC)
    at = midnight + ((first - midnight) // width + 1) * width
    while at < last:
        yield at
        at += width
    yield last
