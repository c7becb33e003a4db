"""The worker: reads a service's topics and turns records into the log, one transaction a batch.

Architecture 6, step by step: poll, read, lock, decide, write, commit.  A crash at any line replays
the batch and changes nothing twice, as offsets, inbox and log commit together.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from danbao.contracts.decider import Service
from danbao.kernel.attempt import Observer, Outcome, Step, attempt, read_records
from danbao.kernel.crash import crash_point
from danbao.kernel.errors import (
    FencedError,
    HeldUpError,
    OutcomeUnknownError,
    PartitionsChangedError,
    RetryableError,
    UnavailableError,
)
from danbao.kernel.events import EventReader
from danbao.kernel.gathering import Gathering
from danbao.kernel.messages import DeadLetter, Record, TopicPartition
from danbao.kernel.ports import Clock, Source, Store
from danbao.kernel.postponing import POSTPONED_S, Postponing
from danbao.kernel.progress import Progress
from danbao.kernel.pulse import Pulse
from danbao.kernel.retries import LetterRetries
from danbao.kernel.settings import Settings
from danbao.kernel.statistics import Statistics

ATTEMPTS_MAX = 5
RECONNECT_S = 0.5
LETTERS_LOOK_S = 1.0
"""How often a busy worker looks whether dead letters are to be tried again."""

log = structlog.get_logger()


@dataclass(slots=True)
class Worker:
    """One worker of one service; any number may run side by side."""

    service: Service
    store: Store
    source: Source
    clock: Clock
    settings: Settings
    statistics: Statistics = field(default_factory=Statistics)
    stopping: bool = False
    pulse: Pulse = field(default_factory=Pulse)
    observer: Observer | None = None
    _progress: Progress = field(init=False)
    _letters: LetterRetries = field(init=False)
    _incarnation: UUID | None = None
    _postponing: Postponing = field(init=False)
    _gathering: Gathering = field(default_factory=Gathering)
    _letters_look_at: float = 0.0

    def __post_init__(self) -> None:
        """Wire what belongs together."""
        progress = Progress(self.service.name, self.store, self.source, EventReader(self.service))
        self._progress = progress
        self._postponing = Postponing(self.source, self.clock)
        self._letters = LetterRetries(self.service, self.store, self.clock, self.settings, progress)

    async def run(self) -> None:
        """Work until asked to stop."""
        is_started = False
        while not self.stopping:
            self.pulse.turn()
            try:
                if not is_started:
                    await self.source.start()
                    is_started = True
                await self.step(self.settings.batch_wait_ms / 1000)
                await self._gather()
            except RetryableError as error:
                log.warning("server.lost", service=self.service.name, error=str(error)[:200])
                await self.clock.sleep(RECONNECT_S)

    async def step(self, wait_s: float) -> int:
        """Claim what was assigned, then read and handle one poll's records; gives their count."""
        if unclaimed := self.source.take_unclaimed():
            for place in unclaimed:
                self._progress.offsets.pop(place, None)
            await self._claim(unclaimed)
        self._progress.drop_foreign()
        self._resume()
        if self.clock.monotonic() >= self._letters_look_at:
            await self._look_at_letters()
        wait_s = min(wait_s, POSTPONED_S) if self._postponing else wait_s
        with self.pulse.rest():
            records = await self.source.poll(self.settings.batch_records_max, wait_s)
        crash_point("worker.polled")
        begun = self.clock.monotonic()
        pending = [record for record in records if self._progress.is_new(record)]
        while pending and not self.stopping:
            pending = await self._handle(pending)
        is_behind = len(records) >= self.settings.batch_records_max
        self._gathering.took(self.clock.monotonic() - begun, is_behind=is_behind)
        if not records:
            self._letters_look_at = 0.0
        return len(records)

    async def _gather(self) -> None:
        """Let records gather, if this worker is not behind."""
        now, claimed = self.clock.monotonic(), self._progress.offsets
        if rest_s := self._gathering.rest_s(now, claimed, self.settings.partitions):
            with self.pulse.rest():
                await self.clock.sleep(rest_s)

    def _resume(self) -> None:
        self._postponing.resume(self._progress.offsets, self.clock.monotonic())

    async def leave(self) -> None:
        """Nobody waits for what this holds but its partitions, which closing the source frees."""

    @property
    def claimed(self) -> int:
        """How many partitions it has claimed."""
        return len(self._progress.offsets)

    @property
    def held(self) -> int:
        """How many partitions wait for another service's event."""
        return len(self._postponing)

    def unready(self) -> list[str]:
        """Say what keeps this worker from working."""
        if not self.source.is_joined():
            return ["not a member of the group yet"]
        claimed = set(self._progress.offsets)
        if waiting := self.source.assigned() - claimed:
            return [f"{len(waiting)} assigned partitions are not claimed yet"]
        if unchecked := self._progress.unchecked():
            return [f"{unchecked} partitions have not shown their last handled record yet"]
        return []

    def marks(self) -> Mapping[str, object]:
        """Each partition's offset; a postponed event that is tried again is a move too."""
        retries = self.statistics.retries
        tries = self._postponing.tries
        marks: dict[str, object] = {
            f"{place.topic}/{place.partition}": (offset.next_offset, tries[place], retries)
            for place, offset in dict(self._progress.offsets).items()
        }
        return marks | {"group": 0}

    async def _claim(self, places: set[TopicPartition]) -> None:
        """Take partitions over, however long Postgres or Kafka take to answer.

        Raises:
            PartitionsChangedError: somebody added partitions to a topic.
        """
        if added := [place for place in places if place.partition >= self.settings.partitions]:
            raise PartitionsChangedError(
                f"topic {added[0].topic} has more than {self.settings.partitions} partitions"
            )
        while wanted := places & self.source.assigned():
            self.pulse.turn()
            try:
                await self._progress.claim(wanted)
            except RetryableError:
                await self.clock.sleep(RECONNECT_S)
            else:
                self._postponing.forget(wanted)
                return

    async def _handle(self, records: Sequence[Record]) -> list[Record]:
        """Handle records from the first on; gives those that are left for the next batch."""
        size, attempts = len(records), 0
        refused: RetryableError | None = None
        while True:
            self.pulse.turn()
            part = records[:size]
            try:
                trying = self._set_aside(part[0], refused) if refused else self._attempt(part)
                outcome = await trying
            except (FencedError, OutcomeUnknownError, UnavailableError) as error:
                log.warning("batch.interrupted", service=self.service.name, error_code=error.code)
                if isinstance(error, UnavailableError):
                    await self.clock.sleep(RECONNECT_S)
                return await self._reread(records)
            except RetryableError as error:
                attempts += 1
                self.statistics.retries += 1
                name, text = self.service.name, str(error)[:200]
                log.info("batch.retried", service=name, records=size, error=text)
                if attempts < ATTEMPTS_MAX:
                    await self.clock.sleep(0.005 * attempts * attempts)
                elif size > 1:
                    size, attempts = size // 2, 0
                elif isinstance(error, HeldUpError):
                    await self.clock.sleep(RECONNECT_S)  # for as long as it takes
                else:
                    refused, attempts = error, 0
            else:
                return await self._follow(outcome, records)

    async def _attempt(self, records: Sequence[Record]) -> Outcome:
        if self._incarnation is None:
            self._incarnation = await self.store.incarnation()
        steps = read_records(self.service, self._progress, records, self.settings.command_bytes_max)
        return await self._commit(steps)

    async def _commit(self, steps: Sequence[Step]) -> Outcome:
        assert self._incarnation is not None
        begun = self.clock.monotonic()
        outcome = await attempt(
            self.service, self.store, self.clock, self._incarnation, self._progress, steps
        )
        self.pulse.answered()
        self._progress.offsets.update(outcome.offsets)
        for place, flows in outcome.parked.items():
            self._progress.parked[place] |= flows
        seconds = self.clock.monotonic() - begun
        self.statistics.note(figures := outcome.figures(seconds))
        self._gathering.did(figures.commands, figures.events, begun)
        log.debug(
            "batch.committed",
            service=self.service.name,
            records=figures.records,
            events=figures.events,
            duplicates=figures.duplicates,
            duration_ms=round(seconds * 1000, 1),
        )
        if self.observer is not None:
            self.observer.committed(steps[: outcome.steps_done], outcome, seconds)
        return outcome

    async def _follow(self, outcome: Outcome, records: Sequence[Record]) -> list[Record]:
        """What is left after a batch; a postponed partition waits, the others go on."""
        left = list(records[outcome.steps_done :])
        postponed = outcome.postponed
        if postponed is None:
            return left
        self._postponing.postpone(postponed)
        return [record for record in left if record.place != postponed.place]

    async def _reread(self, records: Iterable[Record]) -> list[Record]:
        """Find out what is committed after an unclear end; gives the records still to handle."""
        reclaimed: set[TopicPartition] = set()
        for place in sorted({record.place for record in records}):
            mine = self._progress.offsets.get(place)
            while mine is not None:
                self.pulse.turn()
                try:
                    stored = await self.store.read_offset(self.service.name, place)
                except RetryableError:
                    await self.clock.sleep(RECONNECT_S)
                    continue
                self._progress.check_stored(place, stored)
                if stored.epoch == mine.epoch:
                    self._progress.offsets[place] = stored
                else:
                    reclaimed.add(place)
                    await self._claim({place})
                break
        self._progress.drop_foreign()
        return [
            record
            for record in records
            if record.place not in reclaimed and self._progress.is_new(record)
        ]

    async def _look_at_letters(self) -> None:
        """Try those dead letters again that can be."""
        self._letters_look_at = self.clock.monotonic() + LETTERS_LOOK_S
        fenced, statistics = await self._letters.look(), self._letters.take_statistics()
        self.pulse.answered()
        self.statistics.letters_retried += statistics.retried
        self.statistics.events += statistics.events
        if fenced:
            await self._claim(fenced)

    async def _set_aside(self, record: Record, error: RetryableError) -> Outcome:
        """The database refuses this one record: it becomes a dead letter."""
        steps = read_records(
            self.service, self._progress, [record], self.settings.command_bytes_max
        )
        key = record.key.decode(errors="replace") if record.key else None
        letter = DeadLetter(record, "refused_by_database", str(error)[:500], key)
        outcome = await self._commit([Step(record, steps[0].sequence, letter=letter)])
        log.error(
            "record.set_aside",
            service=self.service.name,
            topic=record.place.topic,
            partition=record.place.partition,
            offset=record.offset,
            error=letter.detail[:200],
        )
        return outcome
