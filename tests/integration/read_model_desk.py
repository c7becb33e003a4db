"""A copy of the filled database for one test, and what a test does with its read models."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

import asyncpg
from tests.integration.filled_log import DAYS, Filled
from tests.load.filling import FIRST_DAY, append
from tests.load.market import play_market

from danbao.kernel.clock import SystemClock
from danbao.kernel.errors import ConflictError
from danbao.kernel.postgres.store import PostgresStore
from danbao.kernel.projector import Projector
from danbao.kernel.settings import Settings
from danbao.projections.check import check_models
from danbao.readmodels.model import ReadModel

SLICE = 150
"""Small, so that a build takes many steps."""


@asynccontextmanager
async def copied(filled: Filled, name: str) -> AsyncIterator["Desk"]:
    """Give a copy of the filled database, and take it away afterwards."""
    server, _, template = filled.dsn.rpartition("/")
    admin = await asyncpg.connect(f"{server}/template1")
    try:
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        desk = Desk(f"{server}/{name}", await asyncpg.connect(f"{server}/{name}"))
        try:
            yield desk
        finally:
            await desk.close()
            await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()


@dataclass(slots=True)
class Desk:
    """One database, and those who work at it."""

    dsn: str
    connection: asyncpg.Connection
    stores: list[PostgresStore] = field(default_factory=list)

    def projector(self, models: Sequence[ReadModel]) -> Projector:
        """A projector of some deployment."""
        store = PostgresStore(self.dsn, purpose="projector", may_hold_head=False)
        self.stores.append(store)
        return Projector(store, models, SystemClock(), Settings(projector_slice_max=SLICE))

    async def another_day(self) -> None:
        """Append a third market day, a few batches at a time."""
        store = PostgresStore(self.dsn, purpose="test", may_hold_head=True)
        self.stores.append(store)
        start = FIRST_DAY + timedelta(days=DAYS)
        tables = await play_market(60, 77, await store.incarnation(), start)
        await append(store, tables, tables.log)

    async def wrong(self, models: Iterable[ReadModel]) -> int:
        """How many rows of live read models are not what the log adds up to."""
        async with self.connection.transaction(readonly=True):
            return sum(model.wrong for model in await check_models(self.connection, models))

    async def builds(self, name: str) -> dict[str, str]:
        """The builds of a read model with their states."""
        query = "SELECT table_name, state FROM danbao.projections WHERE name = $1"
        return dict(await self.connection.fetch(query, name))

    async def close(self) -> None:
        """Let go of everything."""
        for store in self.stores:
            await store.close()
        await self.connection.close()


@dataclass(slots=True)
class Reader:
    """Somebody who asks a read model all the time, and loses sight of no row."""

    connection: asyncpg.Connection
    answers: int = 0
    versions: set[int] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    saw_second: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: bool = False

    async def run(self) -> None:
        """Ask until stopped; a query that fails, or a row that is gone, ends the test."""
        while not self.stopped:
            rows = await self.connection.fetch("SELECT * FROM danbao_read.trades")
            found = {row["trade_id"] for row in rows}
            assert self.seen <= found, "rows that were there are gone"
            self.seen = found
            self.versions.add(2 if "events" in rows[0] else 1)
            self.answers += 1
            if 2 in self.versions:
                self.saw_second.set()


async def settle(projector: Projector) -> None:
    """Let a projector work until nothing is left to do."""
    while await projector.step():
        pass


async def settle_beside(projector: Projector, *others: "asyncio.Task[None]") -> None:
    """The same, while others still change things."""
    while not all(other.done() for other in others):
        await projector.step()
    for other in others:
        await other
    await settle(projector)


async def settle_together(*projectors: Projector) -> None:
    """Let several projectors work at once until none finds anything to do."""

    async def work(projector: Projector) -> None:
        idle = 0
        while idle < 3:
            with suppress(ConflictError):
                idle = 0 if await projector.step() else idle + 1

    await asyncio.gather(*map(work, projectors))
