"""The staged drain: the engine alone, on backlogs that lie ready in Kafka.

All creates are published while every process of the engine is frozen, then it is let go and timed
until the last event is in the log, published and in the read models; then all payments, and so on.
The generator has no share in it, and processor time per trade is a figure that survives a busy
machine.  Each round has trades of its own: a command sent twice would be answered from the inbox.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from danbao.bench.errors import VoidError
from danbao.bench.freezing import frozen
from danbao.bench.processor import Usage, part_of
from danbao.bench.standing import Disk, Standing, read_disk, read_engine_usage, read_standing
from danbao.bench.whole_trades import STEPS, Step, WholeTrades
from danbao.engine.record import EngineRecord
from danbao.publisher import Line
from danbao.publisher.flows import Schedule
from danbao.publisher.outbox import Outbox

LOOK_EVERY_S = 0.01
STILL_S_MAX = 30.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """One step of all trades of a round, drained."""

    step: str
    answered_s: float
    """From letting go until the last event was in the log."""
    seconds: float
    """… until it was published and in every read model."""
    usage: Usage
    wal_bytes: int


@dataclass(frozen=True, slots=True)
class Round:
    """All steps of so many trades."""

    trades: int
    stretches: Sequence[Stretch]
    disk: Disk
    log_before: int = 0
    """Events in the log before it."""

    @property
    def seconds(self) -> float:
        """All steps, one after the other."""
        return sum(stretch.seconds for stretch in self.stretches)

    @property
    def trades_per_s(self) -> float:
        """Whole trades a second, through to the read models."""
        return self.trades / self.seconds

    @property
    def usage(self) -> Usage:
        """What all steps used."""
        total = self.stretches[0].usage
        for stretch in self.stretches[1:]:
            total = total.plus(stretch.usage)
        return total

    @property
    def wal_bytes(self) -> int:
        """WAL written by all steps."""
        return sum(stretch.wal_bytes for stretch in self.stretches)


class Drain:
    """Drains rounds of trades in one engine."""

    def __init__(
        self, record: Callable[[], EngineRecord], home: Path, connection: asyncpg.Connection
    ) -> None:
        """Take the engine's record anew for each step: a process may have been started again."""
        self._record = record
        self._home = home
        self._connection = connection

    async def round(self, plan: WholeTrades, trades: int, report: Callable[[str], None]) -> Round:
        """Drain all steps of a plan whose accounts are there already.

        Raises:
            VoidError: nothing moves any more.
        """
        before = await read_disk(self._connection, self._home)
        log_before = (await read_standing(self._connection)).position
        lines = plan.steps()
        stretches = []
        for step in STEPS:
            stretch = await self.stretch(step, lines[step.command])
            report(f"{step.name}: {trades:,} in {stretch.seconds:.2f} s")
            stretches.append(stretch)
        disk = (await read_disk(self._connection, self._home)).since(before)
        return Round(trades, stretches, disk, log_before)

    async def stretch(
        self, step: Step, lines: list[Line], *, only: Collection[str] | None = None
    ) -> Stretch:
        """Drain one backlog; with `only`, these processes work on it first, and the others after.

        Then the time is that of those processes alone, until the last event is in the log.
        """
        record, connection = self._record(), self._connection
        begun = await read_standing(connection)
        target = begun.position + step.events * len(lines)
        backlog = Schedule([lines])
        others = [] if only is None else [n for n in record.processes if part_of(n) not in only]
        with frozen(record, others):
            with frozen(record, [name for name in record.processes if name not in others]):
                await publish_backlog(record.kafka_bootstrap, backlog)
                usage = await read_engine_usage(connection, record)
                begun_at = time.perf_counter()
            answered_s, standing = await self.until(target, is_through=only is None)
            seconds = time.perf_counter() - begun_at
            used = (await read_engine_usage(connection, record)).since(usage)
        if only is not None:
            await self.until(target)
        if standing.position != target:
            raise VoidError(
                f"{step.name}: the log went to {standing.position}, not {target}",
                todo="Something else writes to this engine.",
            )
        wal_bytes = standing.wal_bytes - begun.wal_bytes
        return Stretch(step.name, answered_s, seconds, used, wal_bytes)

    async def until(self, target: int, *, is_through: bool = True) -> tuple[float, Standing]:
        """Wait for a position everywhere, or in the log alone; gives when the log had it.

        Raises:
            VoidError: nothing moves any more.
        """
        begun_at = moved_at = time.perf_counter()
        answered_s, last = 0.0, None
        while True:
            standing = await read_standing(self._connection)
            now = time.perf_counter()
            if not answered_s and standing.position >= target:
                answered_s = now - begun_at
            if standing.is_through(target) or (answered_s and not is_through):
                return answered_s, standing
            if last is None or (standing.position, standing.published, standing.projected) != last:
                last, moved_at = (standing.position, standing.published, standing.projected), now
            if now - moved_at > STILL_S_MAX:
                raise VoidError(
                    f"nothing moves for {STILL_S_MAX:.0f} s at {standing}, expected {target}"
                )
            await asyncio.sleep(LOOK_EVERY_S)


async def publish_backlog(bootstrap: str, backlog: Schedule) -> None:
    """Publish lines without waits, as fast as Kafka takes them."""
    outbox = Outbox(bootstrap, client_id="danbao-bench")
    await outbox.start(backlog.services)
    try:
        backlog.start(backlog.begin())
        await outbox.send(backlog.take_ready())
        await outbox.confirmed()
    finally:
        await outbox.stop()
