"""`python -m tests.bench`: danbao and its peers in turns, in one engine's Postgres and Kafka.

Exit 0 when all ran, 1 when danbao's part is void.
"""

import argparse
import asyncio
import json
import os
import resource
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import uvloop
from tests.bench import told
from tests.bench.sql_by_hand import PgBench, make_pgbench

from danbao.bench.echo import measure_echo
from danbao.bench.errors import VoidError
from danbao.bench.figures import loop_figures, round_figures, spread
from danbao.bench.machine import describe_machine, now_text
from danbao.bench.measure import COST
from danbao.bench.place import Place, own_engine
from danbao.bench.session import Session, Work, session
from danbao.bench.standing import read_engine_usage

CLIENTS = 16
IN_FLIGHT = 1_600
ECHOED = 20_000
WARM_UP = 1_000
ROOT = Path(__file__).resolve().parents[2]
SERVERS = ("postgres", "kafka")


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything."""

    seconds: int
    rounds: int
    trades: int
    audit: str


@dataclass(slots=True)
class Turns:
    """What each managed when it was its turn: so many a second, and milliseconds of all cores."""

    danbao: Session
    sizes: Sizes
    rates: dict[str, list[float]] = field(default_factory=dict)
    costs: dict[str, list[float]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def note(self, name: str, rate: float, cost_ms: float) -> None:
        """Write a turn down."""
        self.rates.setdefault(name, []).append(rate)
        self.costs.setdefault(name, []).append(cost_ms)
        say(f"  {name}: {rate:,.0f} a second, {cost_ms:.3f} ms")

    async def used_s(self) -> float:
        """Processor time of the servers and of all programs that ended."""
        usage = await read_engine_usage(self.danbao.connection, self.danbao.place.record())
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        servers = sum(usage.seconds[name] for name in SERVERS)
        return servers + children.ru_utime + children.ru_stime

    async def peer(self, name: str, work: Awaitable[float], count: float = 0.0) -> None:
        """Give a peer its turn; `work` gives its rate, `count` what it does, if not by time."""
        before = await self.used_s()
        rate = await work
        used = await self.used_s() - before
        self.note(name, rate, used * 1000 / (count or rate * self.sizes.seconds))

    async def by_hand(self, sql: PgBench) -> None:
        """SQL by hand."""
        for script, name in told.SCRIPTS.items():
            work = asyncio.to_thread(sql.run, script, clients=CLIENTS, seconds=self.sizes.seconds)
            await self.peer(name, work)

    async def eventsourced(self, dsn: str) -> None:
        """The library, in processes of its own; left out when it is not installed."""
        if find_spec("eventsourcing") is None:
            say("eventsourcing is not installed: `make bench-peers` does it")
            return
        await self.peer("eventsourcing", self._library(dsn, "by_command"))
        await self.peer("eventsourcing, 100 trades a commit", self._library(dsn, "batched"))

    async def _library(self, dsn: str, way: str) -> float:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.bench.eventsourced", dsn, str(self.sizes.seconds), way),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate()
        found: dict[str, Any] = json.loads(said)
        self.versions |= found["versions"]
        return float(found["rate"])

    async def echo(self) -> None:
        """A service that keeps no promise."""
        bootstrap = self.danbao.place.record().kafka_bootstrap

        async def rate() -> float:
            return float((await measure_echo(bootstrap, ECHOED))["records_per_s"])

        await self.peer("bare echo", rate(), ECHOED)

    async def ours(self) -> None:
        """danbao, in a closed loop and drained."""
        loop = loop_figures(await self.danbao.closed(self.sizes.trades, IN_FLIGHT))
        self.note("danbao", loop["trades_per_s"], loop[COST])
        drained = await self.danbao.drain(self.sizes.trades)
        figures = round_figures(drained)
        self.note("danbao, drained", figures["trades_per_s"], figures[COST])


async def run(place: Place, sizes: Sizes) -> Turns:
    """Take turns."""
    sql = await make_pgbench(place.record().postgres_dsn)
    async with session(place, Work(), int.from_bytes(os.urandom(4)), say) as danbao:
        turns = Turns(
            danbao, sizes, versions={"pgbench": sql.version.rpartition(" ")[2].strip(")")}
        )
        await danbao.drain(WARM_UP)
        for number in range(1, sizes.rounds + 1):
            say(f"round {number} of {sizes.rounds}")
            await turns.by_hand(sql)
            await turns.eventsourced(sql.dsn)
            await turns.echo()
            await turns.ours()
        await danbao.verdict(sizes.audit)
        return turns


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
            turns = uvloop.run(run(place, sizes))
    except VoidError as error:
        say(f"VOID: {error}")
        return 1
    figures = {
        "at": now_text(),
        "machine": machine,
        "versions": turns.versions,
        "rates": _summed(turns.rates),
        "costs_ms": _summed(turns.costs),
    }
    show: Callable[[dict[str, Any]], str] = json.dumps if given.json else told.table
    sys.stdout.write(show(figures) + "\n")
    return 0


def _summed(each: dict[str, list[float]]) -> dict[str, dict[str, Any]]:
    return {
        name: {"median": median(values), "spread": spread(values), "rounds": values}
        for name, values in each.items()
    }


AUDIT = f"{sys.executable} -m tests.audit --dsn {{dsn}} --bootstrap {{bootstrap}}"

if __name__ == "__main__":
    sys.exit(main())
