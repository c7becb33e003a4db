"""The store in memory: for tests, simulations and first steps; nothing outlives the process.

    tables = Tables()
    mine, theirs = MemoryStore(tables), MemoryStore(tables)   # two processes, one database

It keeps every promise of the Store port that the conformance suite holds Postgres to, row locks
included.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID

from msgspec.structs import replace

from danbao.kernel.errors import FencedError, OutcomeUnknownError, UnavailableError
from danbao.kernel.memory.tables import Lease, Tables
from danbao.kernel.memory.unit import MemoryUnit
from danbao.kernel.memory.wire import DIRECT, Wire
from danbao.kernel.messages import LogRow, Offset, TimerRow, TopicPartition, is_events_topic

PARKED = "flow_parked"
"""Reason of an event that only waits behind another one of its flow."""


class MemoryStore:
    """The Store port without a server."""

    def __init__(self, tables: Tables | None = None, wire: Wire = DIRECT) -> None:
        """Open tables, or begin with empty ones."""
        self.tables = Tables() if tables is None else tables
        self._wire = wire
        self._news = asyncio.Event()
        self.lose_next_commit: bool | None = None
        """Let the next COMMIT end unclearly: True when it happened all the same."""

    async def incarnation(self) -> UUID:
        """Which log this is."""
        await self._wire.cross("head")
        return self.tables.incarnation

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[MemoryUnit]:
        """Open a transaction; it commits at the end of the block."""
        await self._wire.cross("begin")
        unit = self._begin()
        try:
            yield unit
            await self._commit(unit)
        finally:
            self._leave(unit)

    async def claim(self, service: str, place: TopicPartition, start: int) -> Offset:
        """Take a partition over."""
        await self._wire.cross("claim_offset")
        unit, offsets = self._begin(), self.tables.offsets
        try:
            await self.tables.locks.take(unit.holder, ("offset", service, place))
            if unit.is_over:
                raise UnavailableError("the server has ended the statement")
            stored = offsets.get((service, place), Offset(0, start))
            claimed = replace(stored, epoch=stored.epoch + 1)
            offsets[service, place] = claimed
        finally:
            self._leave(unit)
        await self._wire.cross("claimed")
        return claimed

    async def read_offset(self, service: str, place: TopicPartition) -> Offset:
        """Read how far the service is, waiting for whoever has it locked."""
        async with self.unit() as unit:
            return (await unit.lock_offsets(service, [place]))[place]

    async def head(self) -> int:
        """The log's last position."""
        await self._wire.cross("head")
        return self.tables.position

    async def read_log(self, after: int, limit: int) -> Sequence[LogRow]:
        """Read a slice of the log."""
        await self._wire.cross("read_log")
        return self.tables.log[after : after + limit]

    async def due_timers(
        self, now: datetime, besides: Iterable[str], limit: int
    ) -> Sequence[TimerRow]:
        """Give deadlines that have come, besides those named."""
        await self._wire.cross("due_timers")
        left_out = set(besides)
        due = [
            timer
            for timer in self.tables.timers.values()
            if timer.due_at <= now and timer.timer_id not in left_out
        ]
        return sorted(due, key=lambda timer: timer.due_at)[:limit]

    async def parked_flows(self, service: str, place: TopicPartition) -> set[str]:
        """Give the flows whose events are set aside."""
        await self._wire.cross("parked_flows")
        return {
            stored.letter.partition_key
            for (name, where, _), stored in self.tables.letters.items()
            if (name, where) == (service, place)
            and is_events_topic(place)
            and not stored.is_settled
            and stored.letter.partition_key is not None
        }

    async def retries(self, service: str) -> Sequence[tuple[TopicPartition, str | None]]:
        """Give where dead letters can be tried again."""
        await self._wire.cross("retries")
        found: dict[tuple[TopicPartition, str | None], bool] = {}
        for (name, place, _), stored in self.tables.letters.items():
            flow = stored.letter.partition_key if is_events_topic(place) else None
            if name != service or stored.is_settled or (flow is None and is_events_topic(place)):
                continue
            is_first = (place, flow) not in found
            if flow is None:
                found[place, None] = found.get((place, None), False) or stored.state == "requested"
            elif is_first:
                found[place, flow] = stored.state == "requested" or stored.letter.reason == PARKED
        return [where for where, can_go_on in found.items() if can_go_on]

    async def take_lease(self, owner: str, now: datetime, seconds: float) -> int | None:
        """Take or renew the relay's lease."""
        await self._wire.cross("take_lease")
        lease = self.tables.lease
        is_free = lease.owner == owner or lease.until < now
        if is_free:
            until = now + timedelta(seconds=seconds)
            self.tables.lease = Lease(owner, until, lease.confirmed)
        await self._wire.cross("lease_taken")
        return lease.confirmed if is_free else None

    async def confirm(self, owner: str, position: int) -> None:
        """Note what is certainly published."""
        await self._wire.cross("confirm")
        lease = self.tables.lease
        if lease.owner != owner:
            raise FencedError("the relay's lease is another's")
        self.tables.lease = Lease(owner, lease.until, max(lease.confirmed, position))
        await self._wire.cross("confirmed")

    async def wait_for_news(self, seconds: float) -> None:
        """Wait until somebody writes to the log, at most so long; a first wait ends at once."""
        if self._news not in self.tables.followers:
            self.tables.followers[self._news] = None
            self._news.set()
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return
        finally:
            self._news.clear()

    async def close(self) -> None:
        """Follow the log no longer."""
        self.tables.followers.pop(self._news, None)

    def _begin(self) -> MemoryUnit:
        """Open a transaction on the server."""
        return MemoryUnit(self.tables, self._wire)

    async def _commit(self, unit: MemoryUnit) -> None:
        """Commit, and hear of it.

        Raises:
            OutcomeUnknownError: the transaction was over, or the answer got lost.
        """
        await self._wire.cross("commit")
        if unit.is_over:
            raise OutcomeUnknownError("the server has ended the transaction")
        lost, self.lose_next_commit = self.lose_next_commit, None
        if lost is not False:
            unit.commit()
        if lost is not None:
            raise OutcomeUnknownError("lost the connection during COMMIT")

    def _leave(self, unit: MemoryUnit) -> None:
        """Be done with a transaction, whatever became of it."""
        unit.end()
