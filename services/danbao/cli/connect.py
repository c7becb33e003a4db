"""How commands find the engine and read its database.

Addresses come from `DANBAO_POSTGRES_DSN` and `DANBAO_KAFKA_BOOTSTRAP`, else from what `danbao up`
recorded in its home while it runs.
"""

from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import asyncpg
import uvloop

from danbao.analysis.errors import NotThereError
from danbao.cli.exits import REFUSED, UNAVAILABLE, engine_here, fail, settings
from danbao.engine.record import read_record
from danbao.kernel.errors import DanbaoError
from danbao.kernel.postgres.connection import PATIENT, READER, connect
from danbao.kernel.settings import Settings
from danbao.projections.errors import ProjectionError
from danbao.servers import Addresses, ServerError

_NOT_SET_UP = (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError)
_GONE = (asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)

Result = TypeVar("Result")


def known_addresses(chosen: Settings) -> Addresses:
    """Return the addresses that are given or recorded; an empty text means not known."""
    record = read_record(chosen.home.absolute())
    if record is None:
        return Addresses(chosen.postgres_dsn, chosen.kafka_bootstrap)
    return Addresses(
        chosen.postgres_dsn or record.postgres_dsn,
        chosen.kafka_bootstrap or record.kafka_bootstrap,
    )


def postgres_address() -> str:
    """Return the address of the engine's Postgres; ends the command when there is no engine."""
    chosen = settings()
    return chosen.postgres_dsn or engine_here(chosen).postgres_dsn


def kafka_address() -> str:
    """Return the address of the engine's Kafka; ends the command when there is no engine."""
    chosen = settings()
    return chosen.kafka_bootstrap or engine_here(chosen).kafka_bootstrap


@asynccontextmanager
async def reader(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """Connect for reading only, as role danbao_reader where it is there and may be taken.

    Raises:
        UnavailableError: nobody answers there.
    """
    connection = await connect(dsn, purpose="cli", role=None, session=PATIENT)
    try:
        await connection.execute("SET default_transaction_read_only = on")
        if await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", READER):
            with suppress(asyncpg.InsufficientPrivilegeError):  # then as whoever logged in
                await connection.execute(f"SET ROLE {READER}")
        yield connection
    finally:
        await connection.close(timeout=2)


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a command's work; a database that is not there, or not ours, ends it with status 3."""
    try:
        return uvloop.run(work)
    except NotThereError as error:
        fail(str(error), REFUSED, error.todo)
    except ProjectionError as error:
        fail(f"{error.code}: {error}", REFUSED, error.todo)
    except (DanbaoError, ServerError) as error:
        fail(f"{error.code}: {error}", UNAVAILABLE, error.todo)
    except _NOT_SET_UP as error:
        fail(f"this database is not set up for danbao: {error}", UNAVAILABLE)
    except _GONE as error:
        fail(f"Postgres went away: {error}", UNAVAILABLE)
