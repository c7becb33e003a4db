"""Fill a log; see the package."""

import argparse

import structlog
import uvloop
from rich.progress import Progress
from tests.load.filling import append, days, keep

from danbao.kernel.clock import SystemClock
from danbao.kernel.migrate import migrate
from danbao.kernel.postgres.store import PostgresStore
from danbao.kernel.projector import Projector
from danbao.kernel.settings import Settings
from danbao.readmodels.models import READ_MODELS


async def _fill(dsn: str, events: int, project: bool) -> None:
    await migrate(dsn)
    store = PostgresStore(dsn, purpose="load", may_hold_head=True)
    if await store.head():
        raise SystemExit("the log is not empty: days that are in it would come again")
    with Progress() as progress:
        bar = progress.add_task("events", total=events)
        day = 0
        async for tables in days(await store.incarnation()):
            if await store.head() >= events:
                break
            await append(store, tables, tables.log)
            await keep(store, tables)
            day += 1
            progress.update(bar, completed=await store.head(), description=f"day {day}")
    await store.close()
    if project:
        await _project(dsn, await store.head())
    await store.close()


async def _project(dsn: str, head: int) -> None:
    store = PostgresStore(dsn, purpose="load", may_hold_head=False)
    projector = Projector(store, READ_MODELS, SystemClock(), Settings())
    with Progress() as progress:
        bar = progress.add_task("read models", total=head)
        while await projector.step():
            progress.update(bar, completed=projector.position)
    await store.close()


def main() -> None:
    """Read the options and fill."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--dsn", required=True, help="address of a database; it is migrated")
    parser.add_argument("--events", type=int, default=1_000_000, help="length of the log")
    parser.add_argument("--project", action="store_true", help="make the read models, too")
    given = parser.parse_args()
    structlog.configure(processors=[], logger_factory=structlog.ReturnLoggerFactory())
    uvloop.run(_fill(given.dsn, given.events, given.project))


if __name__ == "__main__":
    main()
