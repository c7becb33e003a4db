"""The plots of a measurement."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from danbao.bench.histogram import Histogram
from danbao.bench.loops import SLICE_S, Sample
from danbao.cli.report.plots import Plot, both, is_wide
from danbao.cli.report.svg import INK, SERIES

UNSEEN_MS = 0.0005
"""Less processor time a trade than this is left out."""
PERCENTILES_SHOWN = (50.0, 90.0, 99.0, 99.9, 99.99)
SERVERS = ("kafka", "postgres", "generator")


def costs(name: str, title: str, values: Mapping[str, float], colour: int = 0) -> Plot:
    """Milliseconds as bars, the dearest first."""
    ordered = dict(sorted(values.items(), key=lambda item: -item[1]))

    def draw(axes: Any) -> None:  # noqa: ANN401 - matplotlib is not typed here
        drawn = axes.barh(list(ordered), list(ordered.values()), color=SERIES[colour])
        axes.bar_label(drawn, [f"{v:.3f}" for v in ordered.values()], padding=4, color=INK)
        axes.invert_yaxis()
        axes.grid(visible=False)
        axes.spines["bottom"].set_visible(False)
        axes.set_xticks([])
        axes.margins(x=0.18)

    return both(name, title, draw, height=0.6 + 0.34 * max(1, len(ordered)))


def percentiles(name: str, latency: Mapping[str, Histogram]) -> Plot:
    """Latency against the share that is as quick, stretched towards the slowest."""

    def draw(axes: Any) -> None:  # noqa: ANN401
        for colour, (step, histogram) in zip(SERIES, latency.items(), strict=False):
            points = [(100 / max(100 - p, 1e-3), ms) for p, ms in histogram.curve()]
            axes.plot(*zip(*points, strict=True), label=step, color=colour, linewidth=1.6)
        axes.set_xscale("log")
        axes.set_yscale("log")
        ticks = [100 / (100 - share) for share in PERCENTILES_SHOWN]
        axes.set_xticks(ticks, [f"{share:g}%" for share in PERCENTILES_SHOWN])
        axes.minorticks_off()
        axes.set_ylabel("ms")
        _legend(axes)

    return both(name, "Latency by percentile", draw, height=3.2)


def latency_over_time(name: str, slices: Sequence[Histogram]) -> Plot:
    """Percentiles of each slice of a run, at its middle."""

    def draw(axes: Any) -> None:  # noqa: ANN401
        times = [(number + 0.5) * SLICE_S for number in range(len(slices))]
        for colour, share in zip(SERIES, (50.0, 90.0, 99.0), strict=False):
            values = [histogram.percentile(share) for histogram in slices]
            axes.plot(times, values, label=f"p{share:g}", color=colour)
        axes.set_ylabel("ms")
        _time(axes)

    return both(name, "Latency over time", draw, height=2.8)


def rates(name: str, samples: Sequence[Sample]) -> Plot:
    """Events appended, published and projected in each second."""

    def draw(axes: Any) -> None:  # noqa: ANN401
        for colour, place in zip(SERIES, ("position", "published", "projected"), strict=False):
            values = [
                (getattr(b.standing, place) - getattr(a.standing, place)) / (b.at_s - a.at_s)
                for a, b in pairwise(samples)
            ]
            label = {"position": "appended"}.get(place, place)
            axes.plot([s.at_s for s in samples[1:]], values, label=label, color=colour)
        _time(axes)

    return both(name, "Events a second over time", draw, height=2.8)


def under_way(name: str, samples: Sequence[Sample]) -> Plot:
    """Trades begun and not done, and events not yet in the read models."""

    def draw(axes: Any) -> None:  # noqa: ANN401
        times = [sample.at_s for sample in samples]
        axes.plot(times, [s.open_trades for s in samples], label="open trades", color=SERIES[0])
        behind = [s.standing.position - s.standing.projected for s in samples]
        axes.plot(times, behind, label="events not yet in the read models", color=SERIES[1])
        _time(axes)

    return both(name, "Trades under way over time", draw, height=2.8)


def memory(name: str, samples: Sequence[Sample]) -> Plot:
    """Resident memory of each of our processes; the servers are left out."""
    names = [n for n in samples[-1].usage.memory if n not in SERVERS]

    def draw(axes: Any) -> None:  # noqa: ANN401
        times = [sample.at_s for sample in samples]
        for number, process in enumerate(names):
            values = [sample.usage.memory.get(process, 0) / 1e6 for sample in samples]
            style = ("-", "--")[number // len(SERIES) % 2]
            colour = SERIES[number % len(SERIES)]
            axes.plot(times, values, style, label=process, color=colour, linewidth=1.2)
        _time(axes)

    return both(name, "Memory over time", draw, height=3.0)


def _time(axes: Any) -> None:  # noqa: ANN401
    axes.margins(x=0)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("seconds")
    _legend(axes)


def _legend(axes: Any) -> None:  # noqa: ANN401
    columns = 5 if is_wide(axes) else 2
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=columns)
