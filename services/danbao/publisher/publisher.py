"""Publishes command files, one after the other, and waits until each is answered to the end.

One loop: take in events, release lines, send them.  Called by `danbao publish` and the load runs.
"""

import asyncio
import gc
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from types import TracebackType
from typing import Self, TypeAlias

from danbao.publisher.answers import Answered
from danbao.publisher.batches import PublishError
from danbao.publisher.commandfile import Line
from danbao.publisher.flows import Answers, Schedule
from danbao.publisher.limits import Limits
from danbao.publisher.outbox import Outbox
from danbao.publisher.pace import Pace
from danbao.publisher.reader import EventReader
from danbao.publisher.stuck import FlowsStuckError
from danbao.publisher.summary import Summary, Tally

PROGRESS_EVERY_S = 0.1
POLL_S_MAX = 0.1
YOUNG_MAX = 20_000
"""New objects that Python collects at a time: most belong to open flows, and are no garbage."""

Note: TypeAlias = Callable[[str, str, Answers | None, float], None]
"""Hears key, event type, what it answers if it is a first answer, and when it was seen."""

__all__ = ["Note", "Progress", "PublishError", "drive", "publish"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is."""

    lines_done: int
    lines_total: int
    open_flows: int
    answered: int


async def publish(
    bootstrap: str,
    files: Iterable[Iterable[Line]],
    *,
    limits: Limits | None = None,
    progress: Callable[[Progress], None] | None = None,
    client_id: str = "danbao-publish",
) -> Summary:
    """Publish the lines of each file in turn and wait for all their answers.

    Raises:
        CommandFileError: a broken line; nothing was published then.
        FlowsStuckError: nothing moved for `limits.timeout_s`.
        PublishError: no such service, or Kafka does not take the commands.
    """
    return await drive(
        bootstrap, Schedule(files), limits=limits, progress=progress, client_id=client_id
    )


async def drive(
    bootstrap: str,
    schedule: Schedule,
    *,
    limits: Limits | None = None,
    progress: Callable[[Progress], None] | None = None,
    client_id: str = "danbao-publish",
    note: Note | None = None,
    services: Collection[str] = (),
) -> Summary:
    """Run a schedule through, as `publish` does; what for is up to the caller.

    `note` hears of every event of a known flow.  With `services`, only their events are read, and
    nothing from before: for flows that nobody has begun yet.
    """
    run = _Run(bootstrap, schedule, limits or Limits(), progress, client_id, note, services)
    with _quiet_collector():
        async with run:
            return await run.through()


class _Run:
    """One run: the schedule between the reader and the outbox."""

    def __init__(
        self,
        bootstrap: str,
        schedule: Schedule,
        limits: Limits,
        progress: Callable[[Progress], None] | None,
        client_id: str,
        note: Note | None,
        services: Collection[str],
    ) -> None:
        """Connect on entering."""
        self._note = note
        self._schedule = schedule
        self._limits = limits
        self._progress = progress
        self._reader = EventReader(
            bootstrap, client_id=client_id, knows=schedule.knows, services=services
        )
        self._outbox = Outbox(bootstrap, client_id=client_id)
        self._tally = Tally()
        self._answered = Answered(schedule)
        self._moved_at = 0.0
        self._shown_at = 0.0

    async def __aenter__(self) -> Self:
        """Connect to Kafka."""
        try:
            await self._reader.start(await self._outbox.start(self._schedule.services))
        except BaseException:
            await self._disconnect()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Disconnect, whatever happened."""
        await self._disconnect()

    async def _disconnect(self) -> None:
        try:
            await self._outbox.stop()
        finally:
            await self._reader.stop()

    async def through(self) -> Summary:
        """Run all files."""
        await self._reader.catch_up(self._remember, idle_s_max=self._limits.timeout_s)
        started_at = self._moved_at = perf_counter()
        while self._schedule.has_files:
            self._tally.flows += self._schedule.begin()
            await self._file(Pace(self._limits))
        self._show(perf_counter())
        seconds = perf_counter() - started_at
        return self._tally.summary(self._schedule, self._answered, seconds)

    async def _file(self, pace: Pace) -> None:
        """Run one file to its end."""
        schedule, begun_at = self._schedule, perf_counter()
        while True:
            now = perf_counter()
            due = pace.starts(now - begun_at, schedule.unstarted_flows, schedule.open_flows)
            started = schedule.start(len(due), [begun_at + at for at in due])
            ready = schedule.take_ready()
            if ready:
                await self._outbox.send(ready)
                self._tally.commands += len(ready)
            if started or ready:
                self._moved_at = now
            if schedule.is_file_done:
                self._tally.start_late_s_max = max(self._tally.start_late_s_max, pace.late_s_max)
                return
            self._check(now)
            await asyncio.sleep(max(0.0, now + self._limits.tick_s - perf_counter()))
            at_s = perf_counter() - begun_at
            due_s = pace.wait_s(at_s, schedule.unstarted_flows, schedule.open_flows)
            await self._reader.poll(self._observe, wait_s=min(POLL_S_MAX, due_s))

    def _remember(self, key: str, event_type: str, cause: str, value: bytes | None) -> None:
        """Take in an event from before this run."""
        self._schedule.observe(key, event_type, cause)
        self._answered.take(key, event_type, cause, value, earlier=True)

    def _observe(self, key: str, event_type: str, cause: str, value: bytes | None) -> None:
        """Take in an event of this run."""
        at = self._moved_at = self._reader.arrived_at
        tally = self._tally
        if tally.count(event_type, value):
            self._answered.take(key, event_type, cause, value, earlier=False)
        answers = self._schedule.observe(key, event_type, cause, at)
        if answers is not None and answers.due_at:
            tally.latency_ms.append((at - answers.due_at) * 1000)
        if self._note is not None:
            self._note(key, event_type, answers, at)

    def _check(self, now: float) -> None:
        """Raise when Kafka refused something or nothing moves; show progress from time to time."""
        self._outbox.check()
        still_s = now - self._moved_at
        if self._schedule.open_flows and still_s > self._limits.timeout_s:
            stuck = self._schedule.stuck()
            raise FlowsStuckError(self._limits.timeout_s, self._schedule.open_flows, stuck)
        if now - self._shown_at > PROGRESS_EVERY_S:
            self._show(now)

    def _show(self, now: float) -> None:
        """Report how far the run is."""
        self._shown_at = now
        if self._progress is not None:
            schedule = self._schedule
            self._progress(
                Progress(
                    lines_done=schedule.lines_done,
                    lines_total=schedule.lines_total,
                    open_flows=schedule.open_flows,
                    answered=schedule.answered,
                )
            )


@contextmanager
def _quiet_collector() -> Iterator[None]:
    """Keep the loaded files out of Python's garbage collections, which would stop all for long."""
    usual = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()
