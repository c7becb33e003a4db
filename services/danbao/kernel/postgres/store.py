"""The store on Postgres: one connection a process, every query by name, every failure translated.

A connection is used by one task at a time.  After any failure inside a transaction it is thrown
away, never reused (reliability 2b B2).
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from uuid import UUID

import asyncpg

from danbao.kernel.clock import PostgresClock
from danbao.kernel.errors import (
    ConflictError,
    DanbaoError,
    FencedError,
    HeldUpError,
    OutcomeUnknownError,
    RefusedError,
    UnavailableError,
)
from danbao.kernel.messages import LogRow, Offset, TimerRow, TopicPartition
from danbao.kernel.postgres.connection import (
    BY_KEY,
    CLIENT_ERRORS,
    PATIENT,
    TIMEOUTS,
    connect,
    discard,
    role_of,
)
from danbao.kernel.postgres.rows import to_log_row, to_offset
from danbao.kernel.postgres.unit import PostgresUnit
from danbao.kernel.sql import load_queries

CHANNEL = "danbao_log"
COMMIT_NEWS = f"COMMIT; NOTIFY {CHANNEL}"  # in two: NOTIFY would lock the whole server before
ANSWER_WITHIN_S = 10
ANSWER_WITHIN_PATIENT_S = 30
"""A connection that died without a word is found by this; patient are those nobody waits for."""
Q = load_queries("danbao.kernel.postgres", "store.sql")

SLICE_BYTES_MAX = 8 * 1024 * 1024
"""Rows of the log read at once, in bytes of their texts; one row is always read."""

BEGUN_FACTS_MAX = 200_000
"""Keys remembered to have a row; rows of facts are never deleted."""

BROKEN = (
    OSError,
    TimeoutError,
    asyncio.TimeoutError,
    asyncpg.PostgresConnectionError,
    *CLIENT_ERRORS,
    asyncpg.OperatorInterventionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TransactionTimeoutError,
    asyncpg.CannotConnectNowError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
)
"""What shows that the connection or the server is gone, or the server full."""

HELD_UP = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
)
"""What others cause that hold a lock or keep the server busy, for as long as they like."""


def translate(error: Exception) -> Exception:
    """Turn a driver's error into one of ours, keeping it as the cause."""
    if isinstance(error, BROKEN):
        return UnavailableError(f"lost Postgres: {error!r}")
    if isinstance(error, HELD_UP):
        return HeldUpError(f"{type(error).__name__}: {error}")
    if isinstance(error, asyncpg.UniqueViolationError):  # another worker was faster
        return ConflictError(f"{type(error).__name__}: {error}")
    return RefusedError(f"{type(error).__name__}: {error}")


class PostgresStore:
    """The real side of the Store port; its role is that of process `purpose`, or the one given."""

    def __init__(
        self,
        dsn: str,
        *,
        purpose: str,
        may_hold_head: bool,
        clock: PostgresClock | None = None,
        is_patient: bool = False,
        role: str | None = None,
    ) -> None:
        self._clock = clock or PostgresClock()
        self._connect = partial(
            connect,
            dsn,
            purpose=purpose,
            session=BY_KEY | (TIMEOUTS if may_hold_head else PATIENT),
            role=role or role_of(purpose),
            answer_within_s=ANSWER_WITHIN_PATIENT_S if is_patient else ANSWER_WITHIN_S,
        )
        self._connection: asyncpg.Connection | None = None
        self._news = asyncio.Event()
        self._listening = False
        self._begun_facts: set[str] = set()

    async def incarnation(self) -> UUID:
        """Which log this is."""
        row = await self._fetchrow("head")
        assert row is not None
        return UUID(bytes=row["incarnation"].bytes)

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[PostgresUnit]:
        """Open a transaction; it commits at the end of the block."""
        connection = await self._connected()
        try:
            await connection.execute("BEGIN")
            unit = PostgresUnit(connection, self._begun_facts, self._clock)
            yield unit
        except (DanbaoError, asyncpg.PostgresError, *BROKEN) as error:
            await self._roll_back(connection, error)
            if isinstance(error, DanbaoError):
                raise
            raise translate(error) from error
        except BaseException:
            await self._drop()
            raise
        try:
            await connection.execute(COMMIT_NEWS if unit.has_appended else "COMMIT")
        except BaseException as error:
            await self._drop()
            if isinstance(error, BROKEN):
                raise OutcomeUnknownError(f"lost Postgres during COMMIT: {error!r}") from error
            if isinstance(error, asyncpg.PostgresError):
                raise translate(error) from error
            raise
        if len(self._begun_facts) > BEGUN_FACTS_MAX:
            self._begun_facts.clear()
        self._begun_facts.update(unit.facts_begun)

    async def claim(self, service: str, place: TopicPartition, start: int) -> Offset:
        """Take a partition over."""
        row = await self._fetchrow("claim_offset", service, *place, start)
        assert row is not None
        return to_offset(row)

    async def read_offset(self, service: str, place: TopicPartition) -> Offset:
        """Read how far the service is, waiting for whoever has it locked."""
        async with self.unit() as unit:
            return (await unit.lock_offsets(service, [place]))[place]

    async def head(self) -> int:
        """The log's last position."""
        row = await self._fetchrow("head")
        assert row is not None
        return int(row["position"])

    async def last_published(self, services: Iterable[str]) -> dict[str, int]:
        """Give the last position of each service that was certainly published."""
        rows = await self._fetch("last_published", list(services))
        return {row[0]: row[1] for row in rows}

    async def recorded_topics(self) -> dict[str, int]:
        """Give the topics that were made, with their partition counts."""
        return {row[0]: row[1] for row in await self._fetch("recorded_topics")}

    async def read_log(self, after: int, limit: int) -> Sequence[LogRow]:
        """Read a slice of the log."""
        rows = await self._fetch("read_log", after, limit, SLICE_BYTES_MAX)
        return [to_log_row(row) for row in rows]

    async def due_timers(
        self, now: datetime, besides: Iterable[str], limit: int
    ) -> Sequence[TimerRow]:
        """Give deadlines that have come, besides those named."""
        rows = await self._fetch("due_timers", now, list(besides), limit)
        self._clock.tell(rows[0]["told"], rows[0]["moved"])
        return [
            TimerRow(str(row["timer_id"]), *tuple(row)[3:])
            for row in rows
            if row["timer_id"] is not None
        ]

    async def parked_flows(self, service: str, place: TopicPartition) -> set[str]:
        """Give the flows whose events are set aside."""
        return {row[0] for row in await self._fetch("parked_flows", service, *place)}

    async def retries(self, service: str) -> Sequence[tuple[TopicPartition, str | None]]:
        """Give where dead letters can be tried again."""
        rows = await self._fetch("retries", service)
        return [(TopicPartition(row[0], row[1]), row[2]) for row in rows]

    async def take_lease(self, owner: str, now: datetime, seconds: float) -> int | None:
        """Take or renew the relay's lease."""
        row = await self._fetchrow("take_lease", owner, now, seconds)
        assert row is not None
        self._clock.tell(row["told"], row["moved"])
        position: int | None = row["confirmed_position"]
        return position

    async def confirm(self, owner: str, position: int) -> None:
        """Note what is certainly published."""
        connection = await self._connected()
        try:
            status = await connection.execute(Q["confirm"], owner, position)
        except (asyncpg.PostgresError, *BROKEN) as error:
            await self._drop()
            raise translate(error) from error
        if status != "UPDATE 1":
            raise FencedError("the relay's lease is another's")

    async def wait_for_news(self, seconds: float) -> None:
        """Wait until somebody writes to the log, at most so long."""
        await self._connected(listen=True)
        try:
            await asyncio.wait_for(self._news.wait(), seconds)
        except TimeoutError:
            return
        finally:
            self._news.clear()

    async def close(self) -> None:
        """Let go of the connection."""
        await self._drop()

    async def connection(self) -> asyncpg.Connection:
        """Give the connection itself, for the projector's own SQL."""
        return await self._connected()

    async def drop_connection(self) -> None:
        """Throw a connection away after a failure."""
        await self._drop()

    async def _connected(self, *, listen: bool = False) -> asyncpg.Connection:
        connection = self._connection
        if connection is None or connection.is_closed():
            connection = self._connection = await self._connect()
            self._listening = False
            await self._ask_time(connection)
        if listen and not self._listening:
            await connection.add_listener(CHANNEL, self._on_news)
            self._listening = True
            self._news.set()
        return connection

    async def _ask_time(self, connection: asyncpg.Connection) -> None:
        """A new connection, maybe after a long while: what time is it?"""
        try:
            row = await connection.fetchrow(Q["time"])
        except (asyncpg.PostgresError, *BROKEN) as error:
            await self._drop()
            raise translate(error) from error
        assert row is not None
        self._clock.tell(row["told"], row["moved"])

    def _on_news(self, *_: object) -> None:
        self._news.set()

    async def _roll_back(self, connection: asyncpg.Connection, error: Exception) -> None:
        """Keep a connection that is fine; one that is not is thrown away."""
        if isinstance(error, BROKEN):
            await self._drop()
            return
        try:
            await connection.execute("ROLLBACK", timeout=2)
        except (asyncpg.PostgresError, *BROKEN):
            await self._drop()

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        await discard(connection)

    async def _fetch(self, name: str, *arguments: object) -> list[asyncpg.Record]:
        return await self._fetch_text(Q[name], *arguments)

    async def _fetchrow(self, name: str, *arguments: object) -> asyncpg.Record | None:
        rows = await self._fetch(name, *arguments)
        return rows[0] if rows else None

    async def _fetch_text(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        connection = await self._connected()
        try:
            rows: list[asyncpg.Record] = await connection.fetch(query, *arguments)
        except (asyncpg.PostgresError, *BROKEN) as error:
            await self._drop()
            raise translate(error) from error
        except BaseException:
            await self._drop()
            raise
        return rows
