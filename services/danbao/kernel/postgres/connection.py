"""Connections to Postgres: with the engine's role and with every server-side timeout set.

A frozen client must not hold the head row for long (reliability 2c P2), so the server ends idle
transactions and long statements by itself.
"""

from contextlib import suppress

import asyncpg

from danbao.kernel.errors import UnavailableError

ROLE = "danbao_engine"
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

TRANSACTION_TIMEOUT_SINCE = 17

CLIENT_ERRORS = (asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What asyncpg raises of its own when the server went away in mid-answer."""


async def connect(
    dsn: str,
    *,
    purpose: str,
    timeouts: dict[str, str] | None = None,
    role: str | None = ROLE,
    answer_within_s: float | None = None,
) -> asyncpg.Connection:
    """Open a connection that the server watches over; with `answer_within_s`, we watch it too.

    Raises:
        UnavailableError: nobody answers there.
    """
    settings = {"application_name": f"{APPLICATION} {purpose}", "timezone": "UTC"}
    connection: asyncpg.Connection | None = None
    try:
        connection = await asyncpg.connect(
            dsn, timeout=10, command_timeout=answer_within_s, server_settings=settings
        )
        await connection.execute("; ".join(_first_words(connection, timeouts, role)), timeout=10)
    except (OSError, TimeoutError, asyncpg.PostgresError, *CLIENT_ERRORS) as error:
        await discard(connection)
        raise UnavailableError(f"Postgres does not answer: {error!r}") from error
    return connection


def _first_words(
    connection: asyncpg.Connection, timeouts: dict[str, str] | None, role: str | None
) -> list[str]:
    """What is said on a new connection before anything else: time-outs and role."""
    chosen = dict(TIMEOUTS if timeouts is None else timeouts)
    if connection.get_server_version().major < TRANSACTION_TIMEOUT_SINCE:
        chosen.pop("transaction_timeout", None)
    statements = [f"SET {name} = '{value}'" for name, value in chosen.items()]
    return statements if role is None else [*statements, f"SET ROLE {role}"]


async def discard(connection: asyncpg.Connection | None) -> None:
    """Let go of a connection without waiting for its server."""
    if connection is None:
        return
    with suppress(Exception):
        connection.terminate()
