"""Progress as Postgres shows it: how far each process is, asked by a connection that comes back."""

import asyncio
import time
from types import TracebackType
from typing import Self

import asyncpg
from tests.faults.fleet import LOOK_EVERY_S, Fleet

from danbao.app import SERVICES

HEAD = "SELECT position FROM danbao.log_heads WHERE shard = 0"
RELAYED = "SELECT confirmed_position FROM danbao.relays WHERE shard = 0"
PROJECTED = "SELECT min(checkpoint)::bigint FROM danbao.projections WHERE state = 'live'"
READ = "SELECT sum(next_offset)::bigint FROM danbao.consumer_offsets WHERE service = '{}'"
CLOSED = "SELECT max(upto) FROM danbao.closings WHERE shard = 0"
TIMED = (
    "SELECT count(*) FROM danbao.event_log"
    " WHERE type = 'escrow.trade_closed.v1' AND data ->> 'reason' = 'pay_timeout'"
)

SIGNED = "SELECT max(size) FROM danbao.log_checkpoints WHERE shard = 0"

QUESTIONS = {
    "relay": RELAYED,
    "projector": PROJECTED,
    "scheduler": TIMED,
    "checkpointer": SIGNED,
    "bookkeeper": CLOSED,
    "head": HEAD,
}
QUIET = {"accounts", "channel", "checkpointer"}
"""Kinds that have nothing, or not much, to do while trades go through."""


def question_of(kind: str) -> str:
    """What rises while this kind of process works."""
    if kind in SERVICES:
        return READ.format(kind)
    return QUESTIONS[kind]


class Watch:
    """Asks Postgres how far things are, whether or not it answers just now."""

    def __init__(self, fleet: Fleet) -> None:
        self._dsn = fleet.settings.postgres_dsn
        self._connection: asyncpg.Connection | None = None

    async def __aenter__(self) -> Self:
        """Connect when first asked."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Disconnect."""
        self._drop()

    async def read(self, kind: str) -> int | None:
        """How far a kind of process is; None while Postgres does not answer."""
        try:
            if self._connection is None:
                self._connection = await asyncpg.connect(self._dsn, timeout=2)
            value = await self._connection.fetchval(question_of(kind), timeout=2)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._drop()
            return None
        return int(value or 0)

    async def moves(self, kind: str, within_s: float, more: int = 1) -> float:
        """Wait until it is further than now; gives the seconds."""
        begun, start = time.monotonic(), None
        while True:
            value = await self.read(kind)
            if start is None:
                start = value
            elif value is not None and value >= start + more:
                return time.monotonic() - begun
            waited = time.monotonic() - begun
            if waited > within_s:
                where = {each: await self.read(each) for each in (*QUESTIONS, *SERVICES)}
                raise AssertionError(f"{kind} has not moved for {waited:.1f} s: {where}")
            await asyncio.sleep(LOOK_EVERY_S)

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
