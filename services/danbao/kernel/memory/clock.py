"""The clock in memory: it moves only when it is told to, or slept on.

Two runs of the same work see the same times, and a night passes in no time.  Setting it back is
allowed: a machine's clock does that too, and the log must not mind.
"""

import asyncio
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""When it begins unless told otherwise: a Monday, 09:00 in Shanghai."""


class MemoryClock:
    """The Clock port without a machine's time."""

    def __init__(self, now: datetime = START) -> None:
        """Begin at a moment; UTC."""
        self._now = now
        self._slept = 0.0

    def now(self) -> datetime:
        """Give the time it was last set to."""
        return self._now

    def monotonic(self) -> float:
        """Seconds that were slept or passed; setting the clock does not count."""
        return self._slept

    async def sleep(self, seconds: float) -> None:
        """Let so much time pass at once; others get their turn."""
        self._now += timedelta(seconds=seconds)
        self._slept += seconds
        await asyncio.sleep(0)

    def advance(self, by: timedelta) -> None:
        """Let so much time pass; a negative span sets the clock back."""
        self._now += by
        self._slept += max(0.0, by.total_seconds())

    def move_to(self, moment: datetime) -> None:
        """Make it this moment, earlier or later than now."""
        self._slept += max(0.0, (moment - self._now).total_seconds())
        self._now = moment
