"""The clock: the only place that asks the machine what time it is."""

import asyncio
import time
from datetime import UTC, datetime


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
