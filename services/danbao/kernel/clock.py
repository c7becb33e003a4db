"""The clock: the only place that asks a machine what time it is.

One rule for all processes: time is that of Postgres, plus what a sandbox has moved it by.  A
process hears it in the transactions that it makes anyway, and counts on from there with seconds
that never jump, so that the wall clock of its own machine moves nothing.  That clock has one use:
while it and Postgres' disagree by more than `DISAGREEMENT_S`, no deadline is sent, since one of
the two has jumped and nobody here can tell which.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

DISAGREEMENT_S = 5


class SystemClock:
    """The machine's own time, in UTC to the microsecond."""

    def now(self) -> datetime:
        """Give the time now."""
        return datetime.now(UTC)  # noqa: TID251 - this is the Clock port's real side

    def monotonic(self) -> float:
        """Seconds that only ever rise."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class PostgresClock:
    """Postgres' time, as it was told last and counted on."""

    def __init__(
        self,
        *,
        is_moved: bool = True,
        machine: Callable[[], datetime] | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """Know nothing yet; without `is_moved` the moves of a sandbox are left out."""
        self._is_moved = is_moved
        self._machine = machine or SystemClock().now
        self._seconds = seconds
        self._told: datetime | None = None
        self._told_at = 0.0
        self._moved = timedelta(0)
        self._disagreement = timedelta(0)

    def tell(self, now: datetime, moved: timedelta) -> None:
        """Hear from Postgres what time it has, and by how much the sandbox has moved it."""
        self._told, self._told_at = now, self._seconds()
        self._moved = moved if self._is_moved else timedelta(0)
        self._disagreement = self._machine() - now

    def now(self) -> datetime:
        """Give the time now; before Postgres was heard, this machine's."""
        if self._told is None:
            return self._machine()
        return self._told + timedelta(seconds=self._seconds() - self._told_at) + self._moved

    def monotonic(self) -> float:
        """Seconds that only ever rise."""
        return self._seconds()

    async def sleep(self, seconds: float) -> None:
        """Wait; no move of a sandbox shortens it."""
        await asyncio.sleep(seconds)

    def doubt(self) -> str:
        """Say why a deadline should not be believed to have come; empty when there is no reason."""
        apart = self._disagreement.total_seconds()
        if abs(apart) <= DISAGREEMENT_S:
            return ""
        return f"this machine's clock is {apart:+.0f} s from that of Postgres"
