"""The clock: the only place that asks the machine what time it is."""

import asyncio
from datetime import UTC, datetime


class SystemClock:
    """The machine's own time, in UTC to the microsecond."""

    def now(self) -> datetime:
        """Give the time now."""
        return datetime.now(UTC)  # noqa: TID251 - this is the Clock port's real side

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
