"""How commands find the engine, read its database and end: 0 done, 1 refused, 2 wrong use, 3 gone.

Addresses come from `DANBAO_POSTGRES_DSN` and `DANBAO_KAFKA_BOOTSTRAP`, else from `engine.json`,
which `danbao up` keeps in its home while it runs.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import asyncpg
import msgspec
import psutil
import typer

from danbao.kernel.errors import DanbaoError, UnavailableError
from danbao.kernel.postgres import PATIENT, connect
from danbao.kernel.settings import Settings
from danbao.servers import Addresses

EXIT_REFUSED = 1
EXIT_WRONG_USE = 2
EXIT_UNAVAILABLE = 3

ENGINE_FILE = "engine.json"
NO_ENGINE = "no engine runs here: start it with `danbao up`"
READER = "danbao_reader"

_NOT_SET_UP = (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError)
_GONE = (asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)

Result = TypeVar("Result")


class _EngineFile(msgspec.Struct):
    """What of `engine.json` is needed here."""

    pid: int
    postgres_dsn: str = ""
    kafka_bootstrap: str = ""


def known_addresses(settings: Settings) -> Addresses:
    """Return the addresses that are given or recorded; an empty text means not known."""
    recorded = _recorded(settings.home / ENGINE_FILE)
    return Addresses(
        settings.postgres_dsn or recorded.postgres_dsn,
        settings.kafka_bootstrap or recorded.kafka_bootstrap,
    )


def postgres_address() -> str:
    """Return the address of the engine's Postgres; ends the command when there is no engine."""
    return known_addresses(read_settings()).postgres_dsn or fail(NO_ENGINE, EXIT_UNAVAILABLE)


def kafka_address() -> str:
    """Return the address of the engine's Kafka; ends the command when there is no engine."""
    return known_addresses(read_settings()).kafka_bootstrap or fail(NO_ENGINE, EXIT_UNAVAILABLE)


def read_settings() -> Settings:
    """Read the settings; a value that cannot be used ends the command."""
    try:
        return Settings.from_environment()
    except ValueError as error:
        fail(str(error), EXIT_WRONG_USE)


@asynccontextmanager
async def reader(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """Connect for reading only, as role danbao_reader where it is there and may be taken.

    Raises:
        UnavailableError: nobody answers there.
    """
    connection = await connect(dsn, purpose="cli", role=None, timeouts=PATIENT)
    try:
        await connection.execute("SET default_transaction_read_only = on")
        if await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", READER):
            with suppress(asyncpg.InsufficientPrivilegeError):  # then as whoever logged in
                await connection.execute(f"SET ROLE {READER}")
        yield connection
    finally:
        await connection.close(timeout=2)


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a command's work; an engine that is not there ends it with status 3."""
    try:
        return asyncio.run(work)
    except UnavailableError as error:
        fail(f"{error}\n{error.todo}", EXIT_UNAVAILABLE)
    except DanbaoError as error:
        fail(f"{error}\n{error.todo}".strip(), EXIT_REFUSED)
    except _NOT_SET_UP as error:
        fail(f"that database is not set up for danbao: {error}", EXIT_UNAVAILABLE)
    except _GONE as error:
        fail(f"Postgres went away: {error}", EXIT_UNAVAILABLE)


def fail(message: str, status: int) -> NoReturn:
    """End the command with a message on the error output."""
    typer.echo(message, err=True)
    raise typer.Exit(status)


def _recorded(file: Path) -> _EngineFile:
    """Read what `danbao up` recorded; a record of an engine that was killed does not count."""
    try:
        recorded = msgspec.json.decode(file.read_bytes(), type=_EngineFile)
    except (OSError, msgspec.DecodeError):
        return _EngineFile(pid=0)
    return recorded if psutil.pid_exists(recorded.pid) else _EngineFile(pid=0)
