"""Connections of a verification: they can read, and nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from danbao.kernel.postgres.connection import PATIENT, connect


@asynccontextmanager
async def reading(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """Connect for reading only, as whoever logs in.

    Raises:
        UnavailableError: nobody answers there.
    """
    connection = await connect(dsn, purpose="verify", role=None, session=PATIENT)
    try:
        await connection.execute("SET default_transaction_read_only = on")
        yield connection
    finally:
        await connection.close(timeout=2)
