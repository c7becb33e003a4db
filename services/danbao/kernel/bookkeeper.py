"""The bookkeeper: closes the books every so many positions (architecture 12.4, ADR 0006).

A closing says what each account moved since the one before and what it comes to, so that a
balance as of any position is the closing before it and a short fold.  What it writes follows from
the log alone; a second bookkeeper that closes the same loses on a key and changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import asyncpg
import structlog

from danbao.contracts.chart import CLASSES
from danbao.kernel.crash import crash_point
from danbao.kernel.errors import RetryableError
from danbao.kernel.ports import Clock
from danbao.kernel.postgres.store import BROKEN, PostgresStore, translate
from danbao.kernel.pulse import Pulse
from danbao.kernel.settings import Settings
from danbao.kernel.sql import load_queries

REST = 3
"""It rests so many times as long as a closing took: services come first."""
REST_MAX_S = 20
RETRY_S = 0.5
Q = load_queries("danbao.kernel", "bookkeeper.sql")

log = structlog.get_logger()


@dataclass(slots=True)
class Bookkeeper:
    """Closes the books; any number may run."""

    store: PostgresStore
    clock: Clock
    settings: Settings
    stopping: bool = False
    pulse: Pulse = field(default_factory=Pulse)

    async def run(self) -> None:
        """Close until asked to stop."""
        while not self.stopping:
            self.pulse.turn()
            begun = self.clock.monotonic()
            try:
                closed = await self.step()
                self.pulse.answered()
                took = self.clock.monotonic() - begun
                rest = min(REST * took, REST_MAX_S) if closed else self.settings.poll_s
                with self.pulse.rest():
                    await self.clock.sleep(rest)
            except RetryableError as error:
                log.warning("bookkeeper.interrupted", error_code=error.code, error=str(error)[:200])
                await self.clock.sleep(RETRY_S)

    async def leave(self) -> None:
        """Nobody waits for what this holds."""

    def unready(self) -> list[str]:
        """Say what keeps it from closing; there is nothing to set up."""
        return []

    def marks(self) -> Mapping[str, object]:
        """Nobody waits for what it does."""
        return {}

    async def step(self) -> int:
        """Close the books once, if the log is long enough; gives the position, else 0."""
        connection = await self.store.connection()
        try:
            standing = await connection.fetchrow(Q["standing"])
            assert standing is not None
            upto: int = standing["closed"] + self.settings.books_close_every
            if standing["position"] < upto:
                return 0
            crash_point("bookkeeper.before_close")
            await connection.execute(Q["close"], standing["closed"], upto, list(CLASSES))
        except (asyncpg.PostgresError, *BROKEN) as error:
            await self.store.drop_connection()
            raise translate(error) from error
        crash_point("bookkeeper.closed")
        log.debug("books.closed", position=upto)
        return upto
