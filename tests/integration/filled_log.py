"""A log on a Postgres of its own: two market days, with books closed except for the end."""

import asyncio
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec
from tests.integration.running_engine import danbao
from tests.load.filling import FIRST_DAY, append, keep, renumbered
from tests.load.market import play_market

from danbao.kernel.bookkeeper import Bookkeeper
from danbao.kernel.clock import SystemClock
from danbao.kernel.errors import ConflictError
from danbao.kernel.messages import LogRow
from danbao.kernel.migrate import migrate
from danbao.kernel.postgres.store import PostgresStore
from danbao.kernel.projector import Projector
from danbao.kernel.settings import Settings
from danbao.ledger.posting import Posting, movements
from danbao.readmodels.models import READ_MODELS
from danbao.servers.postgres import PostgresServer

TRADES_A_DAY = 120
DAYS = 2
EVERY = 250
"""Positions between closings: small, so that there are many."""
UNCLOSED = 333
"""The last positions that no closing covers."""

_postings = msgspec.json.Decoder(tuple[Posting, ...])


@dataclass(frozen=True, slots=True)
class Filled:
    """The database, and the same log in memory."""

    dsn: str
    rows: Sequence[LogRow]

    def fold(self, position: int) -> dict[tuple[str, str], int]:
        """The oracle: every leg up to a position, added up in plain Python."""
        totals: Counter[tuple[str, str]] = Counter()
        for row in self.rows[:position]:
            for account, currency, change in movements(postings_of(row)):
                totals[account, currency] += change
        return dict(totals)

    def cli(self, home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run `danbao …` on it."""
        return danbao(home, *arguments, more={"DANBAO_POSTGRES_DSN": self.dsn})


def postings_of(row: LogRow) -> tuple[Posting, ...]:
    """The postings of a row."""
    return _postings.decode(row.postings or "[]")


@contextmanager
def filled_log(home: Path) -> Iterator[Filled]:
    """Play the days in memory, and append them to a Postgres."""
    server = PostgresServer(home, print)
    asyncio.run(server.start())
    try:
        yield Filled(server.address, asyncio.run(_fill(server.address)))
    finally:
        asyncio.run(server.stop())
        server.remove_outside_data()


async def _fill(dsn: str) -> Sequence[LogRow]:
    """Append and close, but for the end; gives the rows."""
    await migrate(dsn)
    store = PostgresStore(dsn, purpose="test", may_hold_head=True)
    incarnation = await store.incarnation()
    days = [
        await play_market(TRADES_A_DAY, 3 + day, incarnation, FIRST_DAY + timedelta(days=day))
        for day in range(DAYS)
    ]
    for tables in days[:-1]:
        await append(store, tables, tables.log)
    await append(store, days[-1], days[-1].log[:-UNCLOSED])
    await asyncio.gather(*(_close_all(dsn) for _ in range(2)))
    await append(store, days[-1], days[-1].log[-UNCLOSED:])
    for tables in days:
        await keep(store, tables)
    await store.close()
    store = PostgresStore(dsn, purpose="projector", may_hold_head=False)
    projector = Projector(store, READ_MODELS, SystemClock(), Settings())
    while await projector.step():
        pass
    await store.close()
    return renumbered(days)


async def _close_all(dsn: str) -> None:
    """Close what can be closed, beside another one that does the same."""
    store = PostgresStore(dsn, purpose="bookkeeper", may_hold_head=False)
    bookkeeper = Bookkeeper(store, SystemClock(), Settings(books_close_every=EVERY))
    closed = 1
    while closed:
        with suppress(ConflictError):
            closed = await bookkeeper.step()
    await store.close()
