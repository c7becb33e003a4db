"""Run a soak; see the package."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from random import Random

from rich.console import Console
from rich.progress import Progress
from tests.faults.fleet import Fleet
from tests.faults.load import Load
from tests.faults.record import FaultRecord
from tests.faults.watch import Watch
from tests.integration.wire import Raw, command
from tests.soak.memory import Memory
from tests.soak.random_faults import RandomFaults, at_intervals

from danbao.bench.whole_trades import WholeTrades
from danbao.publisher import Limits, parse_lines, publish
from danbao.testing.market import encode_lines

MEASURED_TRADES = 1_500
IN_FLIGHT = 1_600
TIMEOUT_S = 120.0
SAMPLE_EVERY_S = 2.0
SENT_BEFORE = 2_000
CONSOLE = Console(width=130, highlight=False)


async def top_speed(fleet: Fleet, seed: int) -> float:
    """Whole trades a second, as fast as they go."""
    plan = WholeTrades(MEASURED_TRADES, seed)
    bootstrap = fleet.settings.kafka_bootstrap
    accounts = parse_lines(encode_lines(plan.accounts()), "accounts")
    await publish(bootstrap, [accounts], limits=Limits(timeout_s=TIMEOUT_S))
    trades = parse_lines(encode_lines(plan.trades()), "trades")
    summary = await publish(bootstrap, [trades], limits=Limits(IN_FLIGHT, timeout_s=TIMEOUT_S))
    return MEASURED_TRADES / summary.seconds


def sent_commands(seed: int) -> Iterator[Raw]:
    """The commands of the measurement, as they were sent."""
    for line in WholeTrades(MEASURED_TRADES, seed).trades():
        if "type" in line:
            raw = command("", line["type"], line["partitionkey"], **line["data"])
            yield raw.changed(ce_id=line["id"].encode())


async def credits_differ(fleet: Fleet, plan: WholeTrades) -> list[str]:
    """Name the merchants that were not credited what their trades came to."""
    wanted: Counter[str] = Counter()
    for line in plan.trades():
        if line.get("type") == "escrow.create_trade.v1":
            wanted[line["data"]["seller"]] += line["data"]["amount"]["minor"]
    rows = await fleet.engine.fetch(
        "SELECT data ->> 'merchant' AS merchant, sum((data #>> '{gross,minor}')::bigint)::bigint"
        " FROM danbao.event_log WHERE type = 'settlement.credit_recorded.v1' GROUP BY 1"
    )
    found = {row[0]: row[1] for row in rows}
    return [
        f"{name}: {found.get(name)}, not {sum_}"
        for name, sum_ in wanted.items()
        if found.get(name) != sum_
    ]


async def sample(fleet: Fleet, memory: Memory, seconds: float) -> None:
    """Look at the memory of all processes until the end."""
    begun = time.monotonic()
    with Progress(disable=not sys.stdout.isatty()) as progress:
        bar = progress.add_task("soak", total=seconds)
        while True:
            passed = time.monotonic() - begun
            memory.look(fleet, min(1.0, passed / seconds))
            progress.update(bar, completed=min(passed, seconds))
            await asyncio.sleep(SAMPLE_EVERY_S)


async def soak(fleet: Fleet, seed: int, seconds: float, every_s: float) -> list[str]:
    """Run it; gives what is wrong at the end."""
    record, memory = FaultRecord(seed), Memory()
    name = seed * 100
    speed = await top_speed(fleet, name)
    rate = speed / 2
    trades = max(40, int(rate * seconds))
    CONSOLE.print(f"top speed {speed:.0f} whole trades/s; {trades} at {rate:.0f}/s")
    async with Watch(fleet) as watch, Load(fleet, name + 1, trades, rate) as load:
        looking = asyncio.create_task(sample(fleet, memory, seconds))
        sent = list(islice(sent_commands(name), SENT_BEFORE))
        faults = RandomFaults(fleet, watch, record, Random(seed), sent)
        try:
            await at_intervals(faults, every_s, seconds, CONSOLE.print)
            summary = await load.finish()
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking
            CONSOLE.print(record.show())
            CONSOLE.print(memory.table())
    CONSOLE.print(
        f"{summary.commands} commands in {summary.seconds:.0f} s, answers p50"
        f" {summary.latency.p50_ms:.0f} ms, p99 {summary.latency.p99_ms:.0f} ms,"
        f" flows started late by at most {summary.start_late_s_max:.1f} s"
    )
    wrong = [f"memory grew: {each}" for each in memory.grown()]
    wrong += [
        f"credit of {each}" for each in await credits_differ(fleet, WholeTrades(trades, name + 1))
    ]
    wrong += [str(violation) for violation in await fleet.engine.audit()]
    return wrong


async def run(seed: int, minutes: float, every_s: float) -> int:
    """Run a soak on servers of its own, and leave nothing behind."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        fleet = Fleet(Path(folder) / "home")
        try:
            await fleet.start()
            wrong = await soak(fleet, seed, minutes * 60, every_s)
        finally:
            await fleet.stop()
    for each in wrong:
        CONSOLE.print(each)
    CONSOLE.print(f"soak with seed {seed}: {'clean' if not wrong else 'NOT clean'}")
    return 1 if wrong else 0


def main() -> int:
    """Read the options."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--every", type=float, default=30.0, help="seconds from fault to fault")
    parser.add_argument("--seed", type=int, default=Random().randrange(10_000))
    given = parser.parse_args()
    CONSOLE.print(f"soak of {given.minutes:g} minutes, seed {given.seed}")
    return asyncio.run(run(given.seed, given.minutes, given.every))


if __name__ == "__main__":
    sys.exit(main())
