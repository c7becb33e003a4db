"""Figures that must be asked for: asked when a scrape comes, on a thread and loop of their own.

An answer is good for `FRESH_S`.  A scrape waits for a new one at most `WAIT_S`, as `/livez` is
answered by the same thread; whoever comes meanwhile gets the numbers there are.
"""

import asyncio
import threading
import time
from concurrent.futures import Future, wait
from typing import Final

import asyncpg
import structlog

from danbao.kernel.errors import RetryableError
from danbao.kernel.postgres.connection import PATIENT, connect
from danbao.kernel.postgres.store import BROKEN
from danbao.metrics.questions import Question
from danbao.metrics.sample import Samples

FRESH_S: Final = 2.0
WAIT_S: Final = 0.5
ANSWER_WITHIN_S: Final = 5.0
OLD_S: Final = 60.0
"""Older numbers are not shown: none is better than a wrong one."""
AWAY: Final = (RetryableError, OSError, TimeoutError, asyncpg.PostgresError, *BROKEN)

log = structlog.get_logger()


class Figures:
    """The last answers, and the asking; `question` None means that there is nothing to ask."""

    def __init__(self, dsn: str, role: str, question: Question | None) -> None:
        self._dsn = dsn
        self._role = role
        self._question = question
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked: Future[Samples] | None = None
        self._connection: asyncpg.Connection | None = None
        self._samples: Samples = []
        self._at = 0.0
        self._is_away = False
        self.is_answered = question is None
        """Whether the last question was answered."""

    def take(self) -> Samples:
        """Give the figures, asked for anew if they are not fresh; called by one thread."""
        if self._question is None:
            return []
        now = time.monotonic()
        if self._asked is None and now - self._at > FRESH_S:
            self._asked = asyncio.run_coroutine_threadsafe(self._ask(), self._started())
            wait([self._asked], timeout=0 if self._is_away else WAIT_S)
        if self._asked is not None and self._asked.done():
            self._note(self._asked)
            self._asked = None
        return self._samples if now - self._at < OLD_S else []

    def _note(self, asked: "Future[Samples]") -> None:
        error = asked.exception()
        self.is_answered, self._is_away = error is None, error is not None
        self._at = time.monotonic() if error is None else self._at
        if error is None:
            self._samples = asked.result()
        elif isinstance(error, AWAY):
            log.info("figures.unanswered", error=str(error)[:200])
        else:
            log.error("figures.failed", exc_info=error)

    def _started(self) -> asyncio.AbstractEventLoop:
        """The loop that asks; the first scrape begins it, and it ends with the process."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, name="figures", daemon=True).start()
        return self._loop

    async def _ask(self) -> Samples:
        assert self._question is not None
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                if self._connection is None or self._connection.is_closed():
                    self._connection = await connect(
                        self._dsn, purpose="figures", session=PATIENT, role=self._role
                    )
                return await self._question(self._connection)
        except BaseException:
            if self._connection is not None:
                self._connection.terminate()
                self._connection = None
            raise
