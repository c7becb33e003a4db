"""How fast the analysts' tools are on a filled log: `python -m tests.load.measure --dsn DSN`.

Each line has the seconds that went by and those that were worked: on a busy machine they differ.
The server must run on this machine.
"""

import argparse
import gc
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Final

import asyncpg
import psutil
import structlog
import uvloop
from rich.console import Console
from tests.unit.whatif.asking import file_of

from danbao.analysis.account_page import account_pages, entries
from danbao.analysis.balances import lines_as_of
from danbao.analysis.moments import Span, place_at
from danbao.analysis.replay import replay_to_lines
from danbao.analysis.statement import read_statement
from danbao.analysis.wanted import Wanted
from danbao.app import GC_THRESHOLDS, SERVICES
from danbao.archive.export import export
from danbao.archive.verify import verify_archive
from danbao.kernel.bookkeeper import Bookkeeper
from danbao.kernel.clock import SystemClock
from danbao.kernel.migrate import migrate
from danbao.kernel.postgres.connection import PATIENT, connect
from danbao.kernel.postgres.store import PostgresStore
from danbao.kernel.projector import Projector
from danbao.kernel.settings import Settings
from danbao.projections.check import check_models
from danbao.projections.rebuild import begin_rebuild, drop_builds, finish_rebuild
from danbao.readmodels.models import READ_MODELS
from danbao.whatif.policies import read_policies
from danbao.whatif.postgres_history import PostgresHistory
from danbao.whatif.walk import WhatIf

SAMPLES = 30
ENOUGH = 100_000
"""Events after which a walk through the log is as fast as it will be."""
BUSIEST = """
    SELECT data ->> 'merchant' FROM danbao.event_log
    WHERE type = 'settlement.credit_recorded.v1' AND position > $1
    GROUP BY 1 ORDER BY count(*) DESC LIMIT 1
"""
show = Console(markup=False, highlight=False, soft_wrap=True).print


class Watch:
    """Counts seconds: those that went by, and those that we and our server process worked."""

    def __init__(self, *connections: asyncpg.Connection) -> None:
        self._servers = [psutil.Process(each.get_server_pid()) for each in connections]
        self._begun, self._worked = time.monotonic(), self._seconds_worked()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begun

    def show_rate(self, name: str, count: int) -> None:
        seconds, now = self.seconds, self._seconds_worked()
        ours, server = (after - before for after, before in zip(now, self._worked, strict=True))
        show(
            f"{name:<24} {count / seconds:>12,.0f} a second ({count:,} in {seconds:.1f} s; "
            f"worked: {ours:.1f} s here, {server:.1f} s in Postgres)"
        )

    def _seconds_worked(self) -> tuple[float, float]:
        times = [server.cpu_times() for server in self._servers]
        return time.process_time(), sum(each.user + each.system for each in times)


def _show_slowest(name: str, seconds: list[float]) -> None:
    show(f"{name:<24} {max(seconds) * 1000:>12,.0f} ms, the slowest of {len(seconds)}")


async def _books(_dsn: str, connection: asyncpg.Connection, head: int) -> None:
    random, seconds = Random(1), []
    for position in (random.randrange(1, head + 1) for _ in range(SAMPLES)):
        watch = Watch()
        assert await lines_as_of(connection, position)
        seconds.append(watch.seconds)
    _show_slowest("trial balance as of", seconds)
    watch = Watch()
    await lines_as_of(connection, head, fold=True)
    _show_slowest("the same by --fold", [watch.seconds])
    watch = Watch(connection)
    [page, *_] = await account_pages(connection, "R.CB", Span(0, head))
    count = sum([1 async for _ in entries(connection, page)])
    watch.show_rate("entries of one account", count)
    merchant = await connection.fetchval(BUSIEST, head // 2)
    watch = Watch()
    [page, *_] = await account_pages(connection, f"R.MPEND.{merchant}", Span(0, head))
    count = sum([1 async for _ in entries(connection, page)])
    _show_slowest(f"page of {count:,} entries", [watch.seconds])
    watch = Watch()
    found = await read_statement(connection, merchant, Span(0, head))
    _show_slowest(f"statement of {len(found.lines):,} lines", [watch.seconds])


async def _archive(_dsn: str, connection: asyncpg.Connection, head: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        watch = Watch(connection)
        manifest = await export(connection, Path(folder), head)
        watch.show_rate("export to Parquet", manifest.rows)
        watch = Watch()
        found = verify_archive(Path(folder))
        assert found.problems == []
        watch.show_rate("verify the archive", found.rows)


async def _replay(_dsn: str, connection: asyncpg.Connection, head: int) -> None:
    watch, span = Watch(connection), Span(0, min(head, ENOUGH))
    count = await replay_to_lines(connection, Wanted(), span, lambda _: None, lambda _: None)
    watch.show_rate("replay as lines", count)


async def _what_if(dsn: str, connection: asyncpg.Connection, head: int) -> None:
    ahead = await connect(dsn, purpose="measure", session=PATIENT)
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)  # as the command does
    policies = read_policies(file_of({"settlement.fee": {"fee_bps": 100}}))
    for name, after in (("what-if from the start", 0), ("what-if of the end", head // 2)):
        question = WhatIf(PostgresHistory(ahead, connection), SERVICES, policies, lambda _: None)
        watch = Watch(ahead, connection)
        answer = await question.ask(after, min(after + ENOUGH, head), lambda _: None)
        watch.show_rate(name, answer.events)
        left = dict(answer.not_redecided)
        show(f"    {answer.total.decisions:,} of {answer.decisions:,} would differ, left {left}")
    await ahead.close()


async def _read_models(dsn: str, _connection: asyncpg.Connection, head: int) -> None:
    """Bring the live read models up to date, then rebuild, compare and swap all of them."""
    store = PostgresStore(dsn, purpose="measure", may_hold_head=False)
    projector = Projector(store, READ_MODELS, SystemClock(), Settings())
    connection = await store.connection()
    watch, count = Watch(connection), 0
    while done := await projector.step():
        count += done
    if count:
        watch.show_rate("project", count)
    watch = Watch(connection)
    builds = await begin_rebuild(connection, READ_MODELS, is_held=False)
    slice_max = Settings().projector_slice_max
    rebuilt = await finish_rebuild(connection, builds, lambda _: None, slice_max)
    assert not any(each.difference.is_any for each in rebuilt)
    watch.show_rate("rebuild all read models", head)
    for model in READ_MODELS:
        await drop_builds(connection, model.name, building=False)
    watch = Watch(connection)
    assert not any(each.wrong for each in await check_models(connection))
    watch.show_rate("read models against log", head)
    await store.close()


PARTS: Final[dict[str, Callable[[str, asyncpg.Connection, int], Awaitable[None]]]] = {
    "books": _books,
    "archive": _archive,
    "replay": _replay,
    "read-models": _read_models,
    "what-if": _what_if,
}


async def _measure(dsn: str, parts: list[str]) -> None:
    await migrate(dsn)
    await _close(dsn)
    connection = await connect(dsn, purpose="measure", session=PATIENT)
    head = (await place_at(connection, None)).position
    show(f"{'log':<24} {head:>12,} events")
    for part in parts:
        await PARTS[part](dsn, connection, head)
    await connection.close()


async def _close(dsn: str) -> None:
    store = PostgresStore(dsn, purpose="measure", may_hold_head=False)
    bookkeeper = Bookkeeper(store, SystemClock(), Settings())
    watch, closings = Watch(), 0
    while await bookkeeper.step():
        closings += 1
    if closings:
        watch.show_rate("close the books", closings * Settings().books_close_every)
    await store.close()


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.measure", description=__doc__)
    parser.add_argument("--dsn", required=True, help="address of a filled database")
    parser.add_argument(
        "--part", choices=PARTS, action="append", help="only this; all unless given"
    )
    given = parser.parse_args()
    structlog.configure(processors=[], logger_factory=structlog.ReturnLoggerFactory())
    uvloop.run(_measure(given.dsn, given.part or list(PARTS)))


if __name__ == "__main__":
    main()
