"""Whether a connection is a session of its own: what is set in one stays there, and only there."""

import asyncio
import time

import asyncpg

from danbao.kernel.errors import UnavailableError
from danbao.kernel.findings import Finding, Status
from danbao.kernel.postgres.connection import CLIENT_ERRORS, PATIENT, connect
from danbao.kernel.sql import load_queries

Q = load_queries("danbao.kernel.postgres", "checks.sql")

ANSWER_WITHIN_S = 10
LOST = (
    ConnectionError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.ConnectionFailureError,
    asyncpg.OperatorInterventionError,
    *CLIENT_ERRORS,
)
"""What a server that ends raises; a pooler's refusals are other errors of its connections."""
SAME_SESSION_WITHIN_S = 3
ANSWERS = 20
"""More than are waited for while sessions are told apart."""


async def keeps_sessions(connection: asyncpg.Connection, dsn: str) -> bool:
    """Tell whether a connection of ours is a session of the server's: a pooler may mix them.

    One with a single session lets one of two clients wait for ever; a slow network lets both wait,
    so what is taken for ever grows with how long one answer takes.

    Raises:
        UnavailableError: no answer comes at all, or the connection breaks.
    """
    begun = time.monotonic()
    try:
        await connection.execute("SELECT 1", timeout=ANSWER_WITHIN_S)
    except (TimeoutError, *LOST) as error:
        raise UnavailableError(f"Postgres does not answer: {error!r}") from error
    patience_s = SAME_SESSION_WITHIN_S + ANSWERS * (time.monotonic() - begun)
    other = await connect(dsn, purpose="checks", role=None, session=PATIENT)
    try:
        async with asyncio.timeout(patience_s):
            await connection.fetchval(Q["mark"], "ours")
            async with other.transaction():
                is_mixed = await other.fetchval(Q["read_mark"]) == "ours"
                return not is_mixed and await connection.fetchval(Q["read_mark"]) == "ours"
    except TimeoutError:
        return False
    except LOST as error:
        raise UnavailableError(f"Postgres went away: {error!r}") from error
    except asyncpg.PostgresError:
        return False
    finally:
        other.terminate()


def find_sessions(*, are_sessions: bool) -> Finding:
    """Judge whether time-outs, roles and prepared statements of a session stay where they are."""
    if are_sessions:
        return Finding("postgres sessions", Status.OK, "kept")
    detail = "a pooler gives one session to several clients (pgbouncer in transaction mode?)"
    todo = "Connect to Postgres itself, or let the pooler keep sessions (pool_mode = session)."
    return Finding("postgres sessions", Status.MISSING, detail, todo, "postgres_pooled")
