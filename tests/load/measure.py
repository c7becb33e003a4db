"""How fast the analysts' tools are on a filled log: `python -m tests.load.measure --dsn DSN`."""

import argparse
import tempfile
import time
from pathlib import Path
from random import Random

import asyncpg
import structlog
import uvloop
from rich.console import Console

from danbao.analysis.account_page import account_pages, entries
from danbao.analysis.balances import lines_as_of
from danbao.analysis.moments import Span, place_at
from danbao.archive.export import export
from danbao.archive.verify import verify_archive
from danbao.kernel.bookkeeper import Bookkeeper
from danbao.kernel.clock import SystemClock
from danbao.kernel.migrate import migrate
from danbao.kernel.postgres import PATIENT, connect
from danbao.kernel.settings import Settings
from danbao.kernel.store import PostgresStore

SAMPLES = 30
show = Console(markup=False, highlight=False, soft_wrap=True).print


async def _measure(dsn: str) -> None:
    await migrate(dsn)
    await _close(dsn)
    connection = await connect(dsn, purpose="measure", timeouts=PATIENT)
    head = (await place_at(connection, None)).position
    show(f"log                      {head:>12,} events")
    await _as_of(connection, head)
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        manifest = await export(connection, Path(folder), head)
        _print_rate("export to Parquet", manifest.rows, time.monotonic() - begun)
        begun = time.monotonic()
        found = verify_archive(Path(folder))
        assert found.problems == []
        _print_rate("verify the archive", found.rows, time.monotonic() - begun)
    await connection.close()


async def _close(dsn: str) -> None:
    store = PostgresStore(dsn, purpose="measure", may_hold_head=False)
    bookkeeper = Bookkeeper(store, SystemClock(), Settings())
    begun, closings = time.monotonic(), 0
    while await bookkeeper.step():
        closings += 1
    if closings:
        seconds = time.monotonic() - begun
        _print_rate("close the books", closings * bookkeeper.every, seconds)
    await store.close()


async def _as_of(connection: asyncpg.Connection, head: int) -> None:
    random = Random(1)
    seconds = []
    for position in (random.randrange(1, head + 1) for _ in range(SAMPLES)):
        begun = time.monotonic()
        assert await lines_as_of(connection, position)
        seconds.append(time.monotonic() - begun)
    show(f"trial balance as of      {max(seconds) * 1000:>12,.0f} ms, the slowest of {SAMPLES}")
    begun = time.monotonic()
    await lines_as_of(connection, head, fold=True)
    show(f"the same by --fold       {(time.monotonic() - begun) * 1000:>12,.0f} ms")
    begun = time.monotonic()
    [page, *_] = await account_pages(connection, "R.CB", Span(0, head))
    count = sum([1 async for _ in entries(connection, page)])
    _print_rate("entries of one account", count, time.monotonic() - begun)


def _print_rate(name: str, count: int, seconds: float) -> None:
    show(f"{name:<24} {count / seconds:>12,.0f} a second ({count:,} in {seconds:.1f} s)")


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.measure", description=__doc__)
    parser.add_argument("--dsn", required=True, help="address of a filled database")
    structlog.configure(processors=[], logger_factory=structlog.ReturnLoggerFactory())
    uvloop.run(_measure(parser.parse_args().dsn))


if __name__ == "__main__":
    main()
