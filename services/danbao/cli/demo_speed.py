"""How fast it is here: whole trades at top speed, then at a steady rate, measured by the publisher.

A benchmark on whatever machine this is, not a test: Kafka, Postgres, engine and load generator
share its cores.
"""

import time
from dataclasses import dataclass

import uvloop
from rich.console import Console
from rich.table import Table

from danbao.bench.whole_trades import WholeTrades
from danbao.cli.format import plain_table
from danbao.cli.wait import wait_idle
from danbao.engine.record import EngineRecord
from danbao.publisher import Limits, Summary, parse_lines, publish
from danbao.testing.market import encode_lines
from danbao.testing.market_flow import CommandLine

IN_FLIGHT = 1_600
STEADY_RATE = 200
STEADY_S = 10
TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Speed:
    """One measurement."""

    name: str
    trades: int
    seconds: float
    """From the first command until all were answered and every read model had caught up."""
    run: Summary


def measure_speed(console: Console, record: EngineRecord, trades: int, seed: int) -> list[Speed]:
    """Drive whole trades, first as fast as they go, then at a steady rate."""
    console.print(f"measuring: {trades:,} whole trades, {IN_FLIGHT:,} in flight")
    top = WholeTrades(trades, seed)
    steady = WholeTrades(STEADY_RATE * STEADY_S, seed + 1)
    for plan in (top, steady):
        _publish(record, list(plan.accounts()), Limits(timeout_s=TIMEOUT_S))
    fast = _measure(
        record, "as fast as it goes", list(top.trades()), Limits(IN_FLIGHT, timeout_s=TIMEOUT_S)
    )
    console.print(f"measuring: {STEADY_RATE} whole trades a second for {STEADY_S} s")
    limits = Limits(in_flight=10_000, rate=STEADY_RATE, timeout_s=TIMEOUT_S)
    return [fast, _measure(record, f"{STEADY_RATE} a second", list(steady.trades()), limits)]


def _measure(record: EngineRecord, name: str, lines: list[CommandLine], limits: Limits) -> Speed:
    """Count from the first command on, until nothing is in flight."""
    run = _publish(record, lines, limits)
    answered = time.monotonic()
    wait_idle(record, within=TIMEOUT_S)
    seconds = run.seconds + time.monotonic() - answered
    return Speed(name, run.events.get("settlement.credit_recorded.v1", 0), seconds, run)


def _publish(record: EngineRecord, lines: list[CommandLine], limits: Limits) -> Summary:
    parsed = parse_lines(encode_lines(lines), "whole trades")
    return uvloop.run(publish(record.kafka_bootstrap, [parsed], limits=limits))


def speed_table(measured: list[Speed]) -> list[Table]:
    """Show throughput and latency."""
    if not measured:
        return []
    numbers = ("trades", "seconds", "trades/s", "answer p50 ms", "p99 ms", "max ms")
    title = "Speed on this machine: create, pay, ship, confirm, credit"
    table = plain_table("load", *numbers, title=title, right=numbers)
    for speed in measured:
        latency = speed.run.latency
        table.add_row(
            speed.name,
            f"{speed.trades:,}",
            f"{speed.seconds:.1f}",
            f"{speed.trades / speed.seconds:,.0f}",
            f"{latency.p50_ms:.0f}",
            f"{latency.p99_ms:.0f}",
            f"{latency.max_ms:.0f}",
        )
    return [table]
