"""The watch over one process: a thread beside its main loop that ends it when it is stuck.

Stuck means: the loop has not come round for `turn_within_s`, or work waits and nothing of it moves
for `stuck_after_s`.  The supervisor then starts the process anew (exit code 4).  A server that is
away is no reason: the process keeps trying, and this watch gets no answer either.
"""

import asyncio
import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable, Collection
from typing import Final

import structlog

from danbao.kernel.errors import RetryableError
from danbao.kernel.waiting import Ask, Waiting
from danbao.watch.progress import Progress
from danbao.watch.state import State

LOOK_EVERY_S: Final = 1.0
ANSWER_WITHIN_S: Final = 10.0
STOPPED_S: Final = 5.0
"""Longer between two looks: the whole process was stopped, and nothing is held against it."""
END_WITHIN_S: Final = 5.0
EXIT_STUCK: Final = 4

AWAY = (RetryableError, OSError, TimeoutError)

log = structlog.get_logger()


class Watch(threading.Thread):
    """Looks once a second; `end` asks the main loop to stop, and is not waited for for long."""

    def __init__(
        self,
        state: State,
        stuck_after_s: float,
        ask: Ask,
        end: Callable[[], None],
    ) -> None:
        super().__init__(name="watch", daemon=True)
        self._state = state
        self._progress = Progress(stuck_after_s)
        self._ask = ask
        self._end = end
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Watch no longer: the process is about to end."""
        self._stopped.set()

    def run(self) -> None:
        """Look until the process ends."""
        looked_at = time.monotonic()
        while not self._stopped.wait(LOOK_EVERY_S):
            now = time.monotonic()
            if now - looked_at > STOPPED_S:
                self._state.forgive()
                self._progress.forget()
            if reason := self.look(now):
                self._stop_process(reason)
                return
            looked_at = time.monotonic()

    def look(self, now: float) -> str | None:
        """Look once; gives a reason to end the process."""
        live = self._state.live()
        if not live.is_good:
            return "; ".join(live.reasons)
        self._progress.note(now, self._state.process.marks())
        if not self._progress.should_ask(now):
            return None
        # A server that hangs may take its time for it.
        waiting = self._asked(self._progress.moving(now))
        answered_at = time.monotonic()
        self._progress.note(answered_at, self._state.process.marks())
        return self._progress.judge(answered_at, waiting)

    def _asked(self, moving: Collection[str]) -> Waiting | None:
        """Ask the servers, on an event loop of our own; None when they do not answer."""

        async def ask() -> Waiting:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return await self._ask(moving)

        try:
            return asyncio.run(ask())
        except AWAY as error:
            log.info("watch.unanswered", error=str(error)[:200])
            return None

    def _stop_process(self, reason: str) -> None:
        log.error("process.stuck", reason=reason, exit_code=EXIT_STUCK)
        faulthandler.dump_traceback(sys.stderr)
        self._end()
        if not self._stopped.wait(END_WITHIN_S):
            os._exit(EXIT_STUCK)
