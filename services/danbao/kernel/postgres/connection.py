"""Connections to Postgres: with a role of the engine's and with every server-side timeout set.

A frozen client must not hold the head row for long (reliability 2c P2), so the server ends idle
transactions and long statements by itself.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

import asyncpg

from danbao.contracts.catalogue import SERVICES
from danbao.kernel.errors import UnavailableError
from danbao.kernel.postgres.arrays import quicken
from danbao.kernel.sql import load_queries

ROLE: Final = "danbao_engine"
"""Of what an operator's commands write, and of processes that may not take on their own role."""
READER: Final = "danbao_reader"
NO_ROLE: Final = "none"
"""What Postgres calls it when nobody's role was taken on: the rights are those of the login."""
HELPERS: Final = ("relay", "projector", "scheduler", "bookkeeper", "checkpointer")
"""Processes that no command is sent to."""
ROLES: Final[Mapping[str, str]] = {name: f"danbao_{name}" for name in (*SERVICES, *HELPERS)}
"""The role of each process; what each may is said in `0010_pre_process_roles.sql` alone."""
APPLICATION = "danbao"

TIMEOUTS = {
    "idle_in_transaction_session_timeout": "3s",
    "transaction_timeout": "5s",
    "lock_timeout": "2s",
    "statement_timeout": "3s",
    "client_connection_check_interval": "1s",
    "tcp_user_timeout": "5s",
}
"""For whoever may hold the head row.  `transaction_timeout` needs Postgres 17."""

PATIENT = {
    "idle_in_transaction_session_timeout": "10s",
    "lock_timeout": "5s",
    "statement_timeout": "60s",
    "tcp_user_timeout": "5s",
}
"""For readers and projectors, which never hold the head row."""

BY_KEY = {"enable_seqscan": "off", "enable_nestloop": "off"}
"""For whoever looks up rows by their keys, a batch of them at a time.

The plan of a prepared statement is kept until its tables are analyzed.  A new table counts as
nearly empty when that plan is made, so one that walks through all of it would be kept, for minutes
and while it grows.  Hence no walk is to be chosen; and where rows are joined, the statement says
`= ANY` of their keys too, as a join alone would be another way to walk.  An array counts as ten
rows besides, so the batch would be compared with itself, each row with each: with 220 accounts to
be debited that took 28 of the 30 ms of a statement.
"""

TRANSACTION_TIMEOUT_SINCE = 17

Q = load_queries("danbao.kernel.postgres", "roles.sql")

quicken()

CLIENT_ERRORS = (asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What asyncpg raises of its own when the server went away in mid-answer."""


def role_of(process: str) -> str:
    """The role of a process; that of all together for whatever is none."""
    return ROLES.get(process, ROLE)


async def connect(
    dsn: str,
    *,
    purpose: str,
    session: dict[str, str] | None = None,
    role: str | None = ROLE,
    answer_within_s: float | None = None,
) -> asyncpg.Connection:
    """Open a connection that the server watches over; with `answer_within_s`, we watch it too.

    A login that may not take on `role` works as `ROLE`, as it did before processes had their own.

    Raises:
        UnavailableError: nobody answers there.
    """
    settings = {"application_name": f"{APPLICATION} {purpose}", "timezone": "UTC"}
    connection: asyncpg.Connection | None = None
    try:
        connection = await asyncpg.connect(
            dsn, timeout=10, command_timeout=answer_within_s, server_settings=settings
        )
        await connection.execute("; ".join(_first_words(connection, session)), timeout=10)
        if role is not None:
            await take_on(connection, [role], otherwise=ROLE)
    except (OSError, TimeoutError, asyncpg.PostgresError, *CLIENT_ERRORS) as error:
        await discard(connection)
        raise UnavailableError(f"Postgres does not answer: {error!r}") from error
    return connection


def _first_words(connection: asyncpg.Connection, session: dict[str, str] | None) -> list[str]:
    """What is said on a new connection before anything else: its settings."""
    chosen = dict(TIMEOUTS if session is None else session)
    if connection.get_server_version().major < TRANSACTION_TIMEOUT_SINCE:
        chosen.pop("transaction_timeout", None)
    return [f"SET {name} = '{value}'" for name, value in chosen.items()]


async def take_on(connection: asyncpg.Connection, roles: Sequence[str], *, otherwise: str) -> str:
    """Take on the first role that this login may, for as long as it is connected; gives it.

    Raises:
        asyncpg.PostgresError: it may none of them, nor `otherwise`.
    """
    taken: str = await connection.fetchval(Q["take_on"], roles, otherwise, timeout=10)
    return taken


async def discard(connection: asyncpg.Connection | None) -> None:
    """Let go of a connection without waiting for its server."""
    if connection is None:
        return
    with suppress(Exception):
        connection.terminate()
