"""`python -m tests.bench`: danbao and its peers in turns, in one engine's Postgres and Kafka.

Exit 0 when all ran, 1 when danbao's part is void.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import uvloop
from tests.bench import told
from tests.bench.sql_by_hand import PgBench, make_pgbench

from danbao.bench.echo import measure_echo
from danbao.bench.errors import VoidError
from danbao.bench.figures import spread
from danbao.bench.machine import describe_machine, now_text
from danbao.bench.place import Place, own_engine
from danbao.bench.session import Session, Work, session

CLIENTS = 16
ROOT = Path(__file__).resolve().parents[2]
Rates = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything."""

    seconds: int
    rounds: int
    trades: int
    audit: str


async def run(place: Place, sizes: Sizes) -> tuple[Rates, dict[str, str]]:
    """Take turns; gives the rates of each, and the versions."""
    rates: Rates = {}
    record = place.record()
    sql = await make_pgbench(record.postgres_dsn)
    versions = {"pgbench": sql.version}
    async with session(place, Work(), int.from_bytes(os.urandom(4)), say) as danbao:
        await danbao.drain(1_000)
        for number in range(1, sizes.rounds + 1):
            say(f"round {number} of {sizes.rounds}")
            await _by_hand(sql, sizes, rates)
            found = await _eventsourced(sql.dsn, sizes.seconds)
            if found:
                versions |= found["versions"]
                note(rates, "eventsourcing", found["by_command"])
                note(rates, "eventsourcing, 100 trades a commit", found["batched"])
            echo = await measure_echo(record.kafka_bootstrap, 20_000)
            note(rates, "bare echo", echo["records_per_s"])
            await _danbao(danbao, sizes, rates)
        await danbao.verdict(sizes.audit)
    return rates, versions


async def _by_hand(sql: PgBench, sizes: Sizes, rates: Rates) -> None:
    for script, name in told.SCRIPTS.items():
        work = asyncio.to_thread(sql.run, script, clients=CLIENTS, seconds=sizes.seconds)
        note(rates, name, await work)


async def _eventsourced(dsn: str, seconds: int) -> dict[str, Any] | None:
    """Run the library in a process of its own; None when it is not installed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.eventsourced", dsn, str(seconds),
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, wrong = await process.communicate()
    if process.returncode:
        if b"No module named 'eventsourcing'" in wrong:
            say("eventsourcing is not installed: `make bench-peers` does it")
            return None
        raise RuntimeError(wrong.decode())
    found: dict[str, Any] = json.loads(said)
    return found


async def _danbao(danbao: Session, sizes: Sizes, rates: Rates) -> None:
    closed = await danbao.closed(sizes.trades, 1_600)
    note(rates, "danbao", closed.trades / closed.seconds)
    drained = await danbao.drain(sizes.trades)
    note(rates, "danbao, drained", drained.trades_per_s)
    answered = sum(stretch.answered_s for stretch in drained.stretches)
    note(rates, "danbao, commands in the log", 4 * drained.trades / answered)


def note(rates: Rates, name: str, rate: float) -> None:
    rates.setdefault(name, []).append(rate)
    say(f"  {name}: {rate:,.0f}")


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--seconds", type=int, default=8, help="of each peer, each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trades", type=int, default=6_000, help="of danbao, each round, twice")
    parser.add_argument("--audit", default=AUDIT, help="must end with 0")
    parser.add_argument("--json", action="store_true", help="print every figure as JSON")
    given = parser.parse_args(words)
    sizes = Sizes(given.seconds, given.rounds, given.trades, given.audit)
    machine = describe_machine()
    try:
        with own_engine(()) as place:
            rates, versions = uvloop.run(run(place, sizes))
    except VoidError as error:
        say(f"VOID: {error}")
        return 1
    figures = {
        "at": now_text(),
        "machine": machine,
        "versions": versions,
        "rates": {
            name: {"median": median(values), "spread": spread(values), "rounds": values}
            for name, values in rates.items()
        },
    }
    show: Callable[[dict[str, Any]], str] = json.dumps if given.json else told.table
    sys.stdout.write(show(figures) + "\n")
    return 0


AUDIT = f"{sys.executable} -m tests.audit --dsn {{dsn}} --bootstrap {{bootstrap}}"

if __name__ == "__main__":
    sys.exit(main())
