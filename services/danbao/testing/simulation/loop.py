"""An event loop whose time jumps and whose turns are drawn: one seed, one run, for ever.

Nothing waits: when nobody has anything to do, it is at once the time of the next timer.  Who goes
next is drawn, not first come first served, so that no order that happens to be usual is relied on.
There is no selector: whatever would touch a socket or a thread has no place here.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context
from heapq import heappop, heappush
from random import Random

STEPS_A_ROUND = 256


class NothingLeftError(RuntimeError):
    """Everybody waits for somebody else, and no timer runs."""


class SimulationLoop(asyncio.BaseEventLoop):
    """An event loop in one thread, without a machine's time."""

    _ready: list[asyncio.Handle]
    _stopping: bool

    def __init__(self, random: Random) -> None:
        """Begin at second 0."""
        super().__init__()
        self._ready = []
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._timers_set = 0
        self._draw = random.random
        self._seconds = 0.0
        self.steps = 0
        """How many callbacks have run."""

    def time(self) -> float:
        """Seconds since the beginning, none of which took any time."""
        return self._seconds

    def call_at(
        self,
        when: float,
        callback: Callable[..., object],
        *args: object,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Run a callback at a second; of two at the same one, the first that was asked for."""
        self._timers_set += 1
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heappush(self._timers, (when, self._timers_set, handle))
        return handle

    def close(self) -> None:
        """Forget whatever was still to come."""
        self._timers.clear()
        super().close()

    def _run_once(self) -> None:
        """Run some callbacks; asyncio's own loop calls this until it is stopped."""
        ready, draw = self._ready, self._draw
        for _ in range(STEPS_A_ROUND):
            if not ready:
                self._jump()
            last = len(ready) - 1
            if last:
                chosen = int(draw() * (last + 1))
                ready[chosen], ready[last] = ready[last], ready[chosen]
            handle = ready.pop()
            self.steps += 1
            if not handle._cancelled:  # noqa: SLF001
                handle._run()  # noqa: SLF001 - as asyncio's own loop
            if self._stopping:
                return

    def _jump(self) -> None:
        """Make it the time of the next timer."""
        timers = self._timers
        while timers:
            when, _, handle = heappop(timers)
            if not handle.cancelled():
                self._seconds = max(self._seconds, when)
                self._ready.append(handle)
                return
        raise NothingLeftError("everybody waits for somebody else, and no timer runs")

    def _process_events(self, event_list: object) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody else's thread wakes this loop."""
