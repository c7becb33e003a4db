"""One attempt at a batch: read its records, then lock, decide and write them in one transaction."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Protocol
from uuid import UUID

import msgspec

from danbao.contracts.decider import Service
from danbao.kernel.batch import Batch
from danbao.kernel.commands import read_command
from danbao.kernel.crash import crash_point
from danbao.kernel.errors import FencedError
from danbao.kernel.loading import load, lock
from danbao.kernel.messages import (
    DeadLetter,
    Message,
    Offset,
    Record,
    TopicPartition,
    Writes,
    is_events_topic,
)
from danbao.kernel.ports import Clock, Store
from danbao.kernel.progress import Progress, advance
from danbao.kernel.statistics import BatchFigures


class Step(msgspec.Struct):
    """A record as it was read: a message to decide, a dead letter, or nothing to do."""

    record: Record
    sequence: int
    message: Message | None = None
    letter: DeadLetter | None = None


@dataclass(slots=True)
class Outcome:
    """What an attempt has done; all of it is committed."""

    steps_done: int
    offsets: dict[TopicPartition, Offset]
    writes: Writes
    duplicates: int
    refusals: Mapping[str, int]
    """Refusals by code."""
    postponed: Record | None = None
    append_s: float = 0.0
    """Seconds that appending took; see `Unit.append_s`."""
    parked: dict[TopicPartition, set[str]] = field(default_factory=dict)

    def figures(self, seconds: float) -> BatchFigures:
        """What was done, in figures."""
        writes = self.writes
        return BatchFigures(
            records=self.steps_done,
            commands=len(writes.answers),
            events=len(writes.rows),
            duplicates=self.duplicates,
            dead_letters=len(writes.dead_letters),
            refusals=self.refusals,
            seconds=seconds,
            append_s=self.append_s,
        )


class Observer(Protocol):
    """Somebody who is told of committed batches, and must not keep the worker waiting."""

    def committed(self, steps: Sequence[Step], outcome: Outcome, seconds: float) -> None:
        """Hear of the steps of a batch that was committed, `seconds` after it began."""
        ...


def read_records(
    service: Service, progress: Progress, records: Sequence[Record], command_bytes_max: int
) -> list[Step]:
    """Read records, each against what its partition held before it; pure."""
    last = {place: offset.last_sequence for place, offset in progress.offsets.items()}
    parked = {place: set(flows) for place, flows in progress.parked.items()}
    steps: list[Step] = []
    for place, together in groupby(records, attrgetter("place")):
        sequence = last[place]
        if is_events_topic(place):
            waiting = parked[place]
            for record in together:
                step = _read_event(progress, record, sequence, waiting)
                sequence = step.sequence
                steps.append(step)
            last[place] = sequence
        else:
            for record in together:
                read = read_command(record, service.name, command_bytes_max)
                steps.append(_step(record, sequence, read))
    return steps


def _read_event(progress: Progress, record: Record, last_sequence: int, parked: set[str]) -> Step:
    headers = dict(record.headers)
    sequence = progress.sequence_of(record, headers, last_sequence)
    if sequence is None:
        return Step(record, last_sequence)
    event = progress.reader.read(record, headers, sequence)
    if event is None:
        return Step(record, sequence)
    flow = record.key.decode(errors="replace") if record.key else ""
    if flow in parked:
        event = DeadLetter(record, "flow_parked", "an earlier event of the flow waits", flow)
    if isinstance(event, DeadLetter):
        parked.add(flow)
    return _step(record, sequence, event)


def _step(record: Record, sequence: int, read: Message | DeadLetter) -> Step:
    if isinstance(read, DeadLetter):
        return Step(record, sequence, letter=read)
    return Step(record, sequence, message=read)


async def attempt(
    service: Service,
    store: Store,
    clock: Clock,
    incarnation: UUID,
    progress: Progress,
    steps: Sequence[Step],
) -> Outcome:
    """Decide and write steps in one transaction, as far as one batch can.

    Raises:
        FencedError: a partition is another worker's by now.
        RetryableError: trying again may succeed.
    """
    places = {step.record.place for step in steps}
    async with store.unit() as unit:
        messages = [step.message for step in steps if step.message is not None]
        locked = await lock(unit, service, places, messages)
        check_fence(progress, places, locked.offsets)
        loaded = await load(unit, service, messages, locked)
        crash_point("worker.locked")
        batch = Batch(service, loaded, incarnation, clock.now())
        batch.decide(messages)
        crash_point("worker.decided")
        done = steps[: _steps_done(steps, batch.handled)]
        outcome = Outcome(
            steps_done=len(done),
            offsets=_offsets_after(progress, done),
            writes=batch.writes,
            duplicates=batch.duplicates,
            refusals=batch.refusals,
            postponed=batch.postponed.record if batch.postponed else None,
        )
        letters = batch.writes.dead_letters
        letters.extend(step.letter for step in done if step.letter is not None)
        letters.sort(key=lambda letter: letter.record.offset)
        batch.writes.offsets = outcome.offsets
        position = await unit.write(service.name, batch.writes)
        outcome.append_s = unit.append_s
        read = max((offset.last_sequence for offset in outcome.offsets.values()), default=0)
        known = progress.check_position(position, len(batch.writes.rows), read)
    progress.seen = known
    crash_point("worker.committed")
    for letter in letters:
        place = letter.record.place
        if is_events_topic(place) and letter.partition_key is not None:
            outcome.parked.setdefault(place, set()).add(letter.partition_key)
    return outcome


def check_fence(
    progress: Progress,
    places: Collection[TopicPartition],
    locked: Mapping[TopicPartition, Offset],
) -> None:
    """Go on only if these partitions are still mine, by the rows just locked.

    Raises:
        FencedError: a partition is another worker's by now.
    """
    for place in places:
        mine, stored = progress.offsets[place], locked.get(place)
        if stored is not None:
            progress.check_stored(place, stored)
        if stored is None or (stored.epoch, stored.next_offset) != (mine.epoch, mine.next_offset):
            raise FencedError(f"{place.topic}/{place.partition} has another owner")


def _steps_done(steps: Sequence[Step], handled: int) -> int:
    """How many steps are behind us once `handled` messages are."""
    places = [place for place, step in enumerate(steps) if step.message is not None]
    return places[handled] if handled < len(places) else len(steps)


def _offsets_after(progress: Progress, steps: Sequence[Step]) -> dict[TopicPartition, Offset]:
    offsets: dict[TopicPartition, Offset] = {}
    latest = {step.record.place: step for step in steps}
    for place, step in latest.items():
        offsets[place] = advance(progress.offsets[place], step.record, step.sequence)
    return offsets
