"""Moving the clock of a sandbox: over stretches in which nothing expires, never over a deadline.

Before each jump everything in flight is waited for, and a jump ends at the next deadline; so
deadlines fire one after the other, each at its own time, with all its consequences before the next.
Where deadlines stand close together the clock simply runs.  The move is a row in Postgres, read by
every transaction: all processes follow at once, and it stays when they start anew.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from danbao.engine.idle import what_moves
from danbao.kernel.errors import NotASandboxError, SandboxLogError, UnavailableError
from danbao.kernel.postgres.connection import PATIENT, connect
from danbao.kernel.sql import load_queries

LOOK_EVERY_S = 0.05
Q = load_queries("danbao.engine", "clock.sql")


@dataclass(frozen=True, slots=True)
class ClockState:
    """What time it is for all that expires; `now` is `real` plus what the sandbox was moved by."""

    real: datetime
    now: datetime
    moved_s: float
    is_sandbox: bool
    deadlines: int
    next_at: datetime | None


async def read_clock(connection: asyncpg.Connection) -> ClockState:
    """Ask Postgres."""
    row = await connection.fetchrow(Q["state"])
    assert row is not None
    return ClockState(**dict(row))


async def settle_sandbox(dsn: str, *, sandbox: bool) -> None:
    """Make the log of a first start a sandbox if it shall be one; later it must be what it is.

    Raises:
        NotASandboxError: a log with events is to become a sandbox.
        SandboxLogError: a sandbox is to run as a real one.
    """
    connection = await connect(dsn, purpose="set-up", session=PATIENT, role=None)
    try:
        if (await read_clock(connection)).is_sandbox == sandbox:
            return
        if not sandbox:
            raise SandboxLogError("this log was begun in a sandbox")
        try:
            await connection.execute(Q["begin_sandbox"])
        except asyncpg.RaiseError as error:
            raise NotASandboxError(f"this is no sandbox: {error}") from error
    finally:
        await connection.close()


@dataclass(slots=True)
class Mover:
    """Moves the clock of one running engine."""

    connection: asyncpg.Connection
    bootstrap: str
    partitions: int
    idle_within_s: float
    stops: int = 0

    async def advance(self, end: datetime, report: Callable[[datetime], None]) -> int:
        """Let time pass until `end`; gives how many stops there were on the way.

        Raises:
            NotASandboxError: this is no sandbox.
            UnavailableError: what is in flight at a stop does not come to an end.
        """
        if not (await read_clock(self.connection)).is_sandbox:
            raise NotASandboxError("the clock can be moved in a sandbox only")
        while True:
            await self._until_idle()
            clock = await read_clock(self.connection)
            report(clock.now)
            if clock.now >= end:
                return self.stops
            stop = end if clock.next_at is None else min(end, clock.next_at)
            self.stops += stop < end
            await self.connection.execute(Q["move_to"], stop)

    async def _until_idle(self) -> None:
        deadline = time.monotonic() + self.idle_within_s
        while moving := await what_moves(self.connection, self.bootstrap, self.partitions):
            if time.monotonic() > deadline:
                raise UnavailableError(f"still in flight: {', '.join(moving)}")
            await asyncio.sleep(LOOK_EVERY_S)
