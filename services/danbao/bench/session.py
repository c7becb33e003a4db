"""One engine under measurement: accounts, warm-up, drains and loops, and the verdict at the end."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg

from danbao.bench.drain import Drain, Round
from danbao.bench.errors import VoidError
from danbao.bench.loops import CLOSED_TICK_S, OPEN_TICK_S, Loop, run_loop
from danbao.bench.mixed_trades import MixedTrades
from danbao.bench.place import Place
from danbao.bench.standing import read_counts
from danbao.bench.verdict import check_counts, run_audit
from danbao.bench.whole_trades import Expected, WholeTrades
from danbao.engine.idle import what_moves
from danbao.kernel.postgres.connection import PATIENT, connect
from danbao.publisher import Limits, parse_lines, publish
from danbao.publisher.limits import Burst
from danbao.testing.market import encode_lines

IDLE_WITHIN_S = 120.0
LOOK_EVERY_S = 0.1
OPEN_TRADES_MAX = 200_000

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Work:
    """What trades are like."""

    merchants: int = 1_000
    hot: float = 0.0
    """Share of all trades that go to one merchant, besides what Zipf gives it."""
    mixed: bool = False
    """With refunds, time-outs, declines and commands sent twice."""

    def plan(self, trades: int, seed: int) -> WholeTrades:
        """So many of them."""
        kind = MixedTrades if self.mixed else WholeTrades
        return kind(trades, seed, merchants=self.merchants, hot=self.hot)


@dataclass(slots=True)
class Session:
    """Measures one engine, whose log holds nothing but what this session sent."""

    place: Place
    work: Work
    seed: int
    connection: asyncpg.Connection
    report: Report
    expected: Expected = field(default_factory=Expected)
    _plans: int = 0

    async def drain(self, trades: int) -> Round:
        """Drain a round of whole trades, step by step."""
        work = Work(self.work.merchants, self.work.hot)
        plan = await self.prepare(work.plan(trades, self.next_seed()))
        drain = Drain(self.place.record, self.place.home, self.connection)
        measured = await drain.round(plan, trades, self.report)
        self.expected = self.expected.plus(plan.expected)
        return measured

    async def closed(self, trades: int, in_flight: int) -> Loop:
        """Keep so many trades in flight."""
        return await self._loop(
            trades, Limits(in_flight, timeout_s=IDLE_WITHIN_S, tick_s=CLOSED_TICK_S)
        )

    async def open(self, rate: float, seconds: float, burst: Burst | None = None) -> Loop:
        """Begin trades at a rate, by Poisson, for so long."""
        extra = 0.0 if burst is None else (burst.factor - 1) * (burst.end_s - burst.begin_s)
        limits = Limits(
            OPEN_TRADES_MAX, rate=rate, burst=burst, timeout_s=IDLE_WITHIN_S, tick_s=OPEN_TICK_S
        )
        return await self._loop(int(rate * (seconds + extra)), limits)

    async def _loop(self, trades: int, limits: Limits) -> Loop:
        plan = await self.prepare(self.work.plan(trades, self.next_seed()))
        measured = await run_loop(self.place, self.connection, plan, limits)
        self.expected = self.expected.plus(plan.expected)
        return measured

    async def verdict(self, audit: str) -> None:
        """Compare what was sent with what is there, and have it audited.

        Raises:
            VoidError: the run does not count.
        """
        check_counts(await read_counts(self.connection), self.expected)
        if audit:
            self.report("auditing")
            await asyncio.to_thread(run_audit, audit, self.place.record())

    async def prepare(self, plan: WholeTrades) -> WholeTrades:
        """Open the accounts of a plan, and wait until nothing is in flight."""
        record, before = self.place.record(), await read_counts(self.connection)
        lines = parse_lines(encode_lines(plan.accounts()), "accounts")
        run = await publish(record.kafka_bootstrap, [lines], limits=Limits(timeout_s=IDLE_WITHIN_S))
        await self._until_idle()
        after = await read_counts(self.connection)
        events = after["head"] - before["head"]
        self.expected = self.expected.plus(Expected(commands=run.command_ids, events=events))
        return plan

    async def _until_idle(self) -> None:
        record, deadline = self.place.record(), time.monotonic() + IDLE_WITHIN_S
        while moving := await what_moves(
            self.connection, record.kafka_bootstrap, record.partitions
        ):
            if time.monotonic() > deadline:
                raise VoidError(f"still in flight: {', '.join(moving)}")
            await asyncio.sleep(LOOK_EVERY_S)

    def next_seed(self) -> int:
        """Every plan has ids of its own: one sent twice is answered from the inbox, and quickly."""
        self._plans += 1
        return self.seed + self._plans


@asynccontextmanager
async def session(place: Place, work: Work, seed: int, report: Report) -> AsyncIterator[Session]:
    """Measure an engine that has just been made."""
    dsn = place.record().postgres_dsn
    connection = await connect(dsn, purpose="bench", session=PATIENT, role=None)
    try:
        yield Session(place, work, seed, connection, report)
    finally:
        await connection.close()
