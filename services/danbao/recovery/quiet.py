"""Recovery works on a stopped engine: its servers run, none of its processes does."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg

from danbao.app import PROCESSES
from danbao.engine.engine import without_own_addresses
from danbao.engine.record import read_record
from danbao.kernel.errors import StopError
from danbao.kernel.postgres.connection import PATIENT, connect
from danbao.kernel.settings import Settings
from danbao.kernel.sql import load_queries
from danbao.servers import Addresses, LocalServers

LONG = PATIENT | {"statement_timeout": "0", "idle_in_transaction_session_timeout": "10min"}
"""Recovery reads whole tables, and nobody waits for it."""

Q = load_queries("danbao.recovery", "recovery.sql")


class EngineRunningError(StopError):
    """Processes of the engine are at work: what recovery changes, they would trip over."""

    code = "engine_running"
    todo = "Stop them first: `danbao down`, or scale every process to zero."


@asynccontextmanager
async def stopped_engine(
    settings: Settings, report: Callable[[str], None]
) -> AsyncIterator[Settings]:
    """Servers of a stopped engine: those given, else the home's own, started for this.

    Raises:
        EngineRunningError: the engine runs.
        ServerError: a server of this home does not start.
    """
    settings = without_own_addresses(replace(settings, home=settings.home.absolute()))
    if record := read_record(settings.home):
        raise EngineRunningError(f"the engine of this home runs (process {record.pid})")
    given = Addresses(settings.postgres_dsn, settings.kafka_bootstrap)
    async with LocalServers(settings.home, report, given=given) as servers:
        found = servers.addresses
        yield replace(
            settings, postgres_dsn=found.postgres_dsn, kafka_bootstrap=found.kafka_bootstrap
        )


async def owner(dsn: str, purpose: str) -> asyncpg.Connection:
    """Connect as whoever logs in: recovery may do what the engine's own role may not.

    Raises:
        EngineRunningError: a process of the engine is connected.
        UnavailableError: nobody answers there.
    """
    connection = await connect(dsn, purpose=purpose, role=None, session=LONG)
    try:
        await refuse_processes(connection)
    except BaseException:
        await connection.close()
        raise
    return connection


async def refuse_processes(connection: asyncpg.Connection) -> None:
    """Go on only when none of the engine's processes is connected.

    Raises:
        EngineRunningError: one is.
    """
    names = [f"danbao {name}" for name in PROCESSES]
    if rows := await connection.fetch(Q["processes"], names):
        running = ", ".join(sorted({row["application_name"] for row in rows}))
        raise EngineRunningError(f"these are connected to Postgres: {running}")
