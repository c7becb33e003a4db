"""Trying dead letters again: by the worker that owns their partition, in its own transaction.

What an operator asks for is a state of the letter; nobody else ever handles a record.  A letter of
commands stands alone.  Letters of events are tried in the order of their flow: the flow goes on
from its first unsettled letter, and is free again when none is left.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import structlog

from danbao.contracts.decider import Service
from danbao.kernel.attempt import check_fence
from danbao.kernel.batch import Batch
from danbao.kernel.commands import read_command
from danbao.kernel.crash import crash_point
from danbao.kernel.errors import (
    FencedError,
    HeldUpError,
    OutcomeUnknownError,
    RetryableError,
    UnavailableError,
)
from danbao.kernel.loading import load, lock
from danbao.kernel.messages import DeadLetter, KeptLetter, Message, TopicPartition, Writes
from danbao.kernel.ports import Clock, Store, Unit
from danbao.kernel.progress import Progress
from danbao.kernel.settings import Settings

ATTEMPTS_MAX = 5
PARKED = "flow_parked"
REFUSED = "refused_by_database"

log = structlog.get_logger()


class Retry(msgspec.Struct):
    """A letter that is tried again: a message to decide, a failure, or nothing to do."""

    letter: KeptLetter
    message: Message | None = None
    failure: DeadLetter | None = None


@dataclass(slots=True)
class Tried:
    """What became of letters that were tried again; all of it is committed."""

    retried: int = 0
    failed: int = 0
    events: int = 0
    is_postponed: bool = False


@dataclass(slots=True)
class LetterRetries:
    """Tries the letters of one worker's partitions again."""

    service: Service
    store: Store
    clock: Clock
    settings: Settings
    progress: Progress
    _so_far: Tried = field(default_factory=Tried)

    async def look(self) -> set[TopicPartition]:
        """Try whatever can be tried; gives the partitions that turned out to be another's."""
        fenced: set[TopicPartition] = set()
        progress = self.progress
        for place, flow in await self.store.retries(self.service.name):
            if place not in progress.offsets or place in fenced:
                continue
            try:
                while await self._try_some(place, flow):
                    pass
            except FencedError:
                fenced.add(place)
            except (OutcomeUnknownError, UnavailableError) as error:
                log.warning("letters.interrupted", error_code=error.code)  # the next look tells
        for place in [place for place in progress.offsets if progress.parked.get(place)]:
            await progress.read_parked(place)
        return fenced

    def take_statistics(self) -> Tried:
        """Give what was done since the last time."""
        so_far, self._so_far = self._so_far, Tried()
        return so_far

    async def _try_some(self, place: TopicPartition, flow: str | None) -> bool:
        """Try until the database takes it, or refuses one letter alone; tell if more may follow."""
        limit, attempts = self.settings.batch_records_max, 0
        tried: Tried | None = None
        while tried is None:
            try:
                tried = await self._try(place, flow, limit)
            except (OutcomeUnknownError, UnavailableError):
                raise
            except RetryableError as error:
                attempts += 1
                if attempts < ATTEMPTS_MAX or isinstance(error, HeldUpError):
                    await self.clock.sleep(0.005 * min(attempts, ATTEMPTS_MAX) ** 2)
                elif limit > 1:
                    limit, attempts = limit // 2, 0
                else:
                    tried = await self._give_up(place, flow, str(error)[:500])
        self._so_far.retried += tried.retried
        self._so_far.events += tried.events
        log.info(
            "letters.tried",
            service=self.service.name,
            flow=flow,
            retried=tried.retried,
            failed=tried.failed,
        )
        return tried.retried > 0 and not tried.failed and not tried.is_postponed

    async def _try(self, place: TopicPartition, flow: str | None, limit: int) -> Tried:
        incarnation = await self.store.incarnation()
        async with self.store.unit() as unit:
            await self._fence(unit, place)
            letters = await unit.lock_letters(self.service.name, place, flow, limit)
            tries = read_letters(
                self.service, self.progress, letters, flow, self.settings.command_bytes_max
            )
            messages = [each.message for each in tries if each.message is not None]
            locked = await lock(unit, self.service, (), messages)
            loaded = await load(unit, self.service, messages, locked)
            batch = Batch(self.service, loaded, incarnation, self.clock.now())
            batch.decide(messages)
            writes = batch.writes
            _settle(writes, tries, batch.handled)
            crash_point("worker.retrying")
            await unit.write(self.service.name, writes)
        crash_point("worker.retried")
        return Tried(
            retried=len(writes.letters_retried),
            failed=len(writes.letters_failed),
            events=len(writes.rows),
            is_postponed=batch.postponed is not None,
        )

    async def _fence(self, unit: Unit, place: TopicPartition) -> None:
        """Keep others from this partition, if it is still ours."""
        check_fence(self.progress, [place], await unit.lock_offsets(self.service.name, [place]))

    async def _give_up(self, place: TopicPartition, flow: str | None, problem: str) -> Tried:
        """The database refuses the first letter, alone: it goes on waiting, with that reason."""
        incarnation = await self.store.incarnation()
        async with self.store.unit() as unit:
            await self._fence(unit, place)
            writes = Writes(self.clock.now(), incarnation)
            for letter in await unit.lock_letters(self.service.name, place, flow, 1):
                failure = DeadLetter(letter.record, REFUSED, problem, flow)
                writes.letters_failed[letter.id] = failure
            await unit.write(self.service.name, writes)
        return Tried(failed=len(writes.letters_failed))


def read_letters(
    service: Service,
    progress: Progress,
    letters: Sequence[KeptLetter],
    flow: str | None,
    command_bytes_max: int,
) -> list[Retry]:
    """Read letters again, a flow's only as far as it can go on; pure."""
    tries: list[Retry] = []
    for letter in letters:
        record = letter.record
        if flow is None:
            read: Message | DeadLetter | None = read_command(
                record, service.name, command_bytes_max
            )
        elif letter.is_requested or letter.reason == PARKED:
            headers = dict(record.headers)
            sequence, _ = progress.reader.sequence(headers)
            read = progress.reader.read(record, headers, sequence)
        else:
            break
        if isinstance(read, DeadLetter):
            tries.append(Retry(letter, failure=read))
            if flow is not None:
                break
        else:
            tries.append(Retry(letter, message=read))
    return tries


def _settle(writes: Writes, tries: Sequence[Retry], handled: int) -> None:
    """Say of each letter what became of it, as far as the batch came."""
    failures = {id(letter.record): letter for letter in writes.dead_letters}
    writes.dead_letters = []
    for each in tries:
        if each.message is not None:
            if handled == 0:
                return
            handled -= 1
        failure = each.failure or failures.get(id(each.letter.record))
        if failure is None:
            writes.letters_retried.append(each.letter.id)
        else:
            writes.letters_failed[each.letter.id] = failure
