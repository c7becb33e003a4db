"""The life of one process: work, health and watch; then the end, within five seconds.

A first SIGTERM or SIGINT drains: the batch in hand is finished or given up cleanly, the group is
left at once so that others take over, connections are closed.  A second one ends it at once.
"""

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Protocol

import structlog

from danbao.kernel.errors import RetryableError, StopError
from danbao.kernel.settings import Settings
from danbao.kernel.waiting import Ask
from danbao.watch.server import HealthServer, Scraped, routes
from danbao.watch.state import State, Watched
from danbao.watch.watch import EXIT_STUCK, Watch

EXIT_STOPPED: Final = 3
FINISH_WITHIN_S: Final = 1.5
"""The batch in hand may be finished for so long; then it is given up and rolls back."""
GIVE_UP_WITHIN_S: Final = 0.5
CLOSE_WITHIN_S: Final = 2.5
EXIT_WITHIN_S: Final = 5.0
"""Whatever hangs, the process is gone by then."""
LOOK_EVERY_S: Final = 0.02
CHECK_AGAIN_S: Final = 0.5

log = structlog.get_logger()


class Process(Watched, Protocol):
    """Something that runs until it is asked to stop."""

    async def run(self) -> None:
        """Work until `stopping` is set."""
        ...

    async def leave(self) -> None:
        """Give up what others wait for; connections are still open."""
        ...


class _End:
    """Asked for by a signal, or by the watch; the first asking gives the exit code."""

    def __init__(self) -> None:
        self.code = 0
        self.asked = asyncio.Event()

    def by_signal(self, number: int) -> None:
        if self.asked.is_set():
            os._exit(128 + number)
        self.ask(0)

    def ask(self, code: int) -> None:
        if not self.asked.is_set():
            self.code = code
            self.asked.set()


async def live(
    process: Process,
    name: str,
    settings: Settings,
    *,
    check: Callable[[], Awaitable[None]],
    ask: Ask,
    scraped: Scraped,
) -> int:
    """Check the servers, then run a process until it ends or is asked to; gives its exit code."""
    loop, end = asyncio.get_running_loop(), _End()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.by_signal, number)
    state = State(process, time.monotonic, settings.turn_within_s, settings.answer_within_s)
    health = HealthServer(settings.health_host, settings.health_port, routes(name, state, scraped))
    health.serve()

    def end_stuck() -> None:
        loop.call_soon_threadsafe(end.ask, EXIT_STUCK)

    watch = Watch(state, settings.stuck_after_s, ask, end_stuck)
    work = asyncio.create_task(_check_and_run(process, check))
    asked = asyncio.create_task(end.asked.wait())
    watch.start()
    log.info("process.started", health=health.address)
    await asyncio.wait({work, asked}, return_when=asyncio.FIRST_COMPLETED)
    begun = time.monotonic()
    process.stopping = True
    watch.stop()
    _exit_by_force(end.code)
    await _finish(process, work)
    code = end.code or _exit_code(work)
    await _within(_close(process), CLOSE_WITHIN_S)
    log.info("process.stopped", exit_code=code, duration_ms=_milliseconds(begun))
    return code


async def _check_and_run(process: Process, check: Callable[[], Awaitable[None]]) -> None:
    """Work once the servers are found fit; one that is away is waited for."""
    while not process.stopping:
        process.pulse.turn()
        try:
            await check()
        except RetryableError as error:
            log.warning("start.waits", error_code=error.code, error=str(error)[:200])
            with process.pulse.rest():
                await asyncio.sleep(CHECK_AGAIN_S)
        else:
            break
    await process.run()


def _milliseconds(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)


def _exit_by_force(code: int) -> None:
    """Arm a thread that ends the process when its loop does not get there."""

    def force() -> None:
        log.error("process.forced", duration_ms=round(EXIT_WITHIN_S * 1000))
        sys.stderr.flush()
        os._exit(code or 1)

    timer = threading.Timer(EXIT_WITHIN_S, force)
    timer.daemon = True
    timer.start()


async def _finish(process: Process, work: "asyncio.Task[None]") -> None:
    """Let the batch in hand end, or give it up; what rests has nothing in hand."""
    deadline = time.monotonic() + FINISH_WITHIN_S
    while not (work.done() or process.pulse.resting) and time.monotonic() < deadline:
        await asyncio.wait({work}, timeout=LOOK_EVERY_S)
    if not work.done():
        work.cancel()
        await asyncio.wait({work}, timeout=GIVE_UP_WITHIN_S)


def _exit_code(work: "asyncio.Task[None]") -> int:
    if not work.done() or work.cancelled():
        return 0
    error = work.exception()
    if error is None:
        return 0
    if isinstance(error, StopError):
        return refused(error)
    log.error("process.failed", exc_info=error)
    return 1


def refused(error: StopError) -> int:
    """Say why going on would be wrong; gives the exit code for it."""
    log.error("process.refused", error_code=error.code, error=str(error), todo=error.todo)
    return EXIT_STOPPED


async def _within(work: Awaitable[object], seconds: float) -> None:
    """Wait for something that may hang, and no longer than this."""
    task = asyncio.ensure_future(work)
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if not done:
        task.cancel()
        log.warning("stop.timed_out", duration_ms=round(seconds * 1000))
        return
    with suppress(asyncio.CancelledError):
        if error := task.exception():
            log.warning("stop.failed", error=repr(error)[:200])


async def _close(process: Process) -> None:
    """Let go of servers, in the order in which work flows; whoever takes over need not wait."""
    with suppress(RetryableError):
        await process.leave()
    for part in ("source", "sink", "store"):
        opened = getattr(process, part, None)
        if opened is not None:
            await opened.close()
