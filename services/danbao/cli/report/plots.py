"""The plots of a day, each in two widths: for a desk and for a telephone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any

from matplotlib.dates import DateFormatter, num2date
from matplotlib.ticker import FuncFormatter

from danbao.analysis.day import Day, Point
from danbao.cli.format import amount_text, minor_digits
from danbao.cli.report.svg import INK, SERIES, new_figure, styled, to_svg

WIDE, NARROW = 9.0, 4.0
"""Inches: at these widths the text of a plot is as large as the text around it."""
TICK_STEPS = tuple(timedelta(minutes=each) for each in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360))
TICKS_WIDE, TICKS_NARROW = 10, 5
WHOLE_UNITS_FROM = 10
"""From so much on, minor units are left out at the side of a plot."""
MILLIONS_FROM = 50_000_000
"""From so many whole units on, the side counts millions."""
WALLETS = "wallets"
GROUPS: Mapping[str, tuple[str, ...]] = {
    WALLETS: ("R.CUST",),
    "held for trades": ("R.ESCROW",),
    "merchants": ("R.MPEND", "R.MAVL"),
    "payouts on their way": ("R.PAYOUT",),
    "fees not swept": ("R.DUE_TO_O",),
}
"""How what the reserve owes is grouped in its plot."""


@dataclass(frozen=True, slots=True)
class Plot:
    """One plot in both widths."""

    wide: str
    narrow: str


Draw = Callable[[Any], None]
"""Draws on the axes."""


def bars(name: str, title: str, counts: Mapping[str, int], colour: int = 0) -> Plot:
    """Counts as bars beside their names, in their order."""

    def draw(axes: Any) -> None:  # noqa: ANN401 - matplotlib is not typed here
        names, values = list(counts), list(counts.values())
        drawn = axes.barh(names, values, color=SERIES[colour])
        axes.bar_label(drawn, [f"{value:,}" for value in values], padding=4, color=INK)
        axes.invert_yaxis()
        axes.grid(visible=False)
        axes.spines["bottom"].set_visible(False)
        axes.set_xticks([])
        axes.margins(x=0.18)

    return both(name, title, draw, height=0.6 + 0.34 * max(1, len(counts)))


def volume(name: str, title: str, day: Day, currency: str) -> Plot:
    """Money captured, by time."""
    points = [point for point in day.points if point.currency == currency]

    def draw(axes: Any) -> None:  # noqa: ANN401
        _bars_over_time(axes, day, points, [point.paid_minor for point in points], 0)
        _money_axis(axes, currency)

    return both(name, title, draw, height=2.4)


def fees(name: str, title: str, day: Day, currency: str) -> Plot:
    """Fees fixed, by time."""
    points = [point for point in day.points if point.currency == currency]

    def draw(axes: Any) -> None:  # noqa: ANN401
        _bars_over_time(axes, day, points, [point.fee_minor for point in points], 1)
        _money_axis(axes, currency)

    return both(name, title, draw, height=2.0)


def reserve(name: str, title: str, day: Day, currency: str) -> Plot:
    """What is there over time, as a line on top of what is owed: both must meet."""
    there, owed = _reserve_over_time(day, currency)
    rest = [
        sum(column)
        for column in zip(*(owed[group] for group in GROUPS if group != WALLETS), strict=True)
    ]
    parts = {WALLETS: owed[WALLETS], "all others": rest}

    def draw(axes: Any) -> None:  # noqa: ANN401
        _stack(axes, day, parts, SERIES)
        times = [moment.at for moment in day.reserve]
        axes.plot(times, there, color=INK, linewidth=1.6, label="what is there")
        _finish_stack(axes, currency)

    return both(name, title, draw, height=2.8)


def besides_wallets(name: str, title: str, day: Day, currency: str) -> Plot:
    """What is owed besides wallets: small, and on the move."""
    _, owed = _reserve_over_time(day, currency)
    parts = {group: values for group, values in owed.items() if group != WALLETS and any(values)}

    def draw(axes: Any) -> None:  # noqa: ANN401
        _stack(axes, day, parts, SERIES[1:])
        _finish_stack(axes, currency)

    return both(name, title, draw, height=2.8)


def _reserve_over_time(day: Day, currency: str) -> tuple[list[int], dict[str, list[int]]]:
    """Give what is there, and what is owed by group, at each moment."""
    there: list[int] = []
    owed: dict[str, list[int]] = {group: [] for group in GROUPS}
    for moment in day.reserve:
        lines = [line for line in moment.lines if (line.book, line.currency) == ("R", currency)]
        there.append(sum(line.balance_minor for line in lines if line.is_debit))
        for group, classes in GROUPS.items():
            wanted = [line for line in lines if line.account_class in classes]
            owed[group].append(sum(line.balance_minor for line in wanted))
    return there, owed


def _stack(
    axes: Any,  # noqa: ANN401
    day: Day,
    parts: Mapping[str, Sequence[int]],
    colours: Sequence[str],
) -> None:
    times = [moment.at for moment in day.reserve]
    values, used = list(parts.values()), colours[: len(parts)]
    if values:
        axes.stackplot(times, values, labels=list(parts), colors=used, alpha=0.8, linewidth=0)


def _finish_stack(axes: Any, currency: str) -> None:  # noqa: ANN401
    axes.margins(x=0)
    axes.set_ylim(bottom=0)
    if axes.get_legend_handles_labels()[0]:
        columns = 4 if is_wide(axes) else 2
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=columns)
    _time_axis(axes)
    _money_axis(axes, currency)


def both(name: str, title: str, draw: Draw, height: float) -> Plot:
    """Draw a plot in both widths; `height` is inches."""
    drawn = []
    for suffix, width in (("wide", WIDE), ("narrow", NARROW)):
        with styled():
            figure = new_figure(width, height)
            draw(figure.subplots())
            drawn.append(to_svg(figure, f"{name}-{suffix}", title))
    return Plot(*drawn)


def _bars_over_time(
    axes: Any,  # noqa: ANN401
    day: Day,
    points: Sequence[Point],
    values: Sequence[int],
    colour: int,
) -> None:
    at = [point.at for point in points]
    axes.bar(at, values, width=day.width * 0.85, align="edge", color=SERIES[colour])
    axes.grid(visible=False, axis="x")
    _time_axis(axes)


def _time_axis(axes: Any) -> None:  # noqa: ANN401
    """Times of the day below a plot, as many as there is room for."""
    first, last = (num2date(at, tz=UTC) for at in axes.get_xlim())
    most = TICKS_WIDE if is_wide(axes) else TICKS_NARROW
    step = next((each for each in TICK_STEPS if (last - first) / each <= most), TICK_STEPS[-1])
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    tick = midnight + -((midnight - first) // step) * step
    ticks = []
    while tick <= last:
        ticks.append(tick)
        tick += step
    axes.set_xticks(ticks)
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M", tz=UTC))


def _money_axis(axes: Any, currency: str) -> None:  # noqa: ANN401
    """Amounts at the side, no finer than it takes to tell the ticks apart."""
    unit = 10 ** minor_digits(currency)
    _, top = axes.get_ylim()
    is_coarse = top >= WHOLE_UNITS_FROM * unit

    def text(minor: float, _: object) -> str:
        if top >= MILLIONS_FROM * unit:
            return f"{round(minor) // (unit * 1_000_000):,} M"
        whole = amount_text(round(minor), currency)
        return whole.split(".")[0] if is_coarse else whole

    axes.yaxis.set_major_formatter(FuncFormatter(text))


def is_wide(axes: Any) -> bool:  # noqa: ANN401
    """Tell the plot for a desk from that for a telephone."""
    return bool(axes.figure.get_figwidth() > NARROW)
