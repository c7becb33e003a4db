"""The figures of a measurement under stable names, for tables, JSON and comparisons (pure)."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from danbao.bench.drain import Round, Stretch
from danbao.bench.loops import SLICE_S, Loop
from danbao.bench.processor import GENERATOR, Usage
from danbao.bench.standing import Disk
from danbao.bench.whole_trades import EVENTS_A_TRADE, STEPS

COMMANDS_A_TRADE = len(STEPS)


def over_rounds(rounds: Sequence[Mapping[str, Any]], rate: str) -> dict[str, Any]:
    """Figures of all rounds: medians, and the spread of the rate."""
    return {
        "rounds": list(rounds),
        "median": middle(rounds),
        "spread": spread([one[rate] for one in rounds]),
    }


def round_figures(one: Round) -> dict[str, Any]:
    """Figures of one drained round.

    Rates are a second, processor times milliseconds a trade, sizes bytes a trade.
    """
    return {
        "log_before": one.log_before,
        **_figures(one.trades, one.seconds, one.usage, one.wal_bytes, one.disk),
        "steps": {stretch.step: _stretch(stretch, one.trades) for stretch in one.stretches},
    }


def loop_figures(one: Loop) -> dict[str, Any]:
    """Figures of one run of a loop; latencies are milliseconds."""
    drained = {} if one.drained_s is None else {"drained_s": one.drained_s}
    return {
        "log_before": one.log_before,
        **_figures(one.trades, one.seconds, one.usage, one.wal_bytes, one.disk),
        "latency": {name: histogram.figures() for name, histogram in one.latency.items()},
        "latency_over_time": [
            {"from_s": number * SLICE_S, **histogram.figures()}
            for number, histogram in enumerate(one.slices)
        ],
        **drained,
        "start_late_ms_max": one.start_late_s_max * 1000,
        "memory_bytes_max": _most([sample.usage.memory for sample in one.samples]),
    }


def _figures(
    trades: int, seconds: float, usage: Usage, wal_bytes: int, disk: Disk
) -> dict[str, Any]:
    rate = trades / seconds
    return {
        "trades": trades,
        "seconds": seconds,
        "trades_per_s": rate,
        "commands_per_s": rate * COMMANDS_A_TRADE,
        "events_per_s": rate * EVENTS_A_TRADE,
        "cpu_ms_per_trade": per_trade(usage.seconds, trades, 1000),
        "cpu_ms_per_trade_of_the_engine": engine_seconds(usage.seconds) * 1000 / trades,
        "postgres_cpu_ms_per_trade_for": per_trade(usage.postgres_for, trades, 1000),
        "memory_bytes": dict(usage.memory),
        "wal_bytes_per_trade": wal_bytes / trades,
        "log_bytes_per_trade": disk.tables.get("event_log", 0) / trades,
        "database_bytes_per_trade": disk.tables.get("database", 0) / trades,
        "table_bytes_per_trade": per_trade(
            {name: size for name, size in disk.tables.items() if size}, trades, 1
        ),
        "kafka_bytes_per_trade": disk.kafka / trades,
    }


def _most(readings: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """The largest of each name."""
    names = dict.fromkeys(name for reading in readings for name in reading)
    return {name: max(reading.get(name, 0) for reading in readings) for name in names}


def _stretch(stretch: Stretch, trades: int) -> dict[str, Any]:
    return {
        "seconds": stretch.seconds,
        "answered_s": stretch.answered_s,
        "commands_per_s": trades / stretch.seconds,
        "cpu_ms_per_trade": per_trade(stretch.usage.seconds, trades, 1000),
        "postgres_cpu_ms_per_trade_for": per_trade(stretch.usage.postgres_for, trades, 1000),
        "wal_bytes_per_trade": stretch.wal_bytes / trades,
    }


def engine_seconds(seconds: Mapping[str, float]) -> float:
    """Processor time of everything but the generator, which is no part of the engine."""
    return sum(spent for name, spent in seconds.items() if name != GENERATOR)


def per_trade(values: Mapping[str, float], trades: int, factor: float) -> dict[str, float]:
    """Shares of a trade."""
    return {name: value * factor / trades for name, value in values.items()}


def spread(values: Sequence[float]) -> float:
    """How far apart the ends are, as a share of the middle; 0 of a single value."""
    return (max(values) - min(values)) / median(values) if values else 0.0


def middle(figures: Sequence[Any]) -> Any:  # noqa: ANN401 - it has the shape of what it is given
    """The medians of figures of one shape: numbers, mappings and lists; what is missing is 0.

    Lists go as far as the shortest does.
    """
    first = figures[0]
    if isinstance(first, list):
        return [middle(each) for each in zip(*figures, strict=False)]
    if isinstance(first, Mapping):
        names = dict.fromkeys(name for each in figures for name in each)
        return {
            name: middle(
                [
                    each.get(name, 0.0 if name not in first else _zero(first[name]))
                    for each in figures
                ]
            )
            for name in names
        }
    return median(figures)


def _zero(example: object) -> object:
    return {} if isinstance(example, Mapping) else 0.0
