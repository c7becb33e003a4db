"""Bugs as somebody might write them, one at a time; each is put in for a `with` block."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple
from unittest.mock import patch

from danbao.kernel import attempt, retries
from danbao.kernel.loaded import Account
from danbao.kernel.memory.store import MemoryStore
from danbao.kernel.memory.unit import MemoryUnit
from danbao.kernel.messages import Record, Writes
from danbao.kernel.progress import Progress
from danbao.kernel.relay import Chunk, Relay
from danbao.kernel.scheduler import TIMERS_MAX, Scheduler
from danbao.testing.simulation import Fault, database


@contextmanager
def offset_not_fenced() -> Iterator[None]:
    """A worker writes how far it is without looking whether the partition is still its own."""

    def no_fence(*_: object) -> None:
        pass

    async def write_offsets(unit: MemoryUnit, service: str, writes: Writes) -> None:
        for place, offset in writes.offsets.items():
            await unit._lock("offset", service, place)
            unit._changes.offsets[service, place] = offset

    with (
        patch.object(attempt, "check_fence", no_fence),
        patch.object(retries, "check_fence", no_fence),
        patch.object(MemoryUnit, "_write_offsets", write_offsets),
    ):
        yield


@contextmanager
def inbox_left_out() -> Iterator[None]:
    """Answers are given, and not kept under the command's id."""
    append = MemoryUnit._append

    async def forgetful(unit: MemoryUnit, service: str, writes: Writes) -> int:
        writes.answers.clear()
        return await append(unit, service, writes)

    with patch.object(MemoryUnit, "_append", forgetful):
        yield


@contextmanager
def missing_row_not_locked() -> Iterator[None]:
    """What does not exist is read without a lock, as FOR UPDATE alone would."""

    async def share_facts(unit: MemoryUnit, keys: Iterable[str]) -> dict[str, str | None]:
        await unit._ask("share_facts")
        facts = unit._changes.facts
        wanted = sorted(keys)
        for key in wanted:
            if key in facts:
                await unit._lock("fact", key, shared=True)
        return {key: facts.get(key) for key in wanted}

    with patch.object(MemoryUnit, "share_facts", share_facts):
        yield


@contextmanager
def missing_balance_not_locked() -> Iterator[None]:
    """A wallet that was never credited is taken for empty without a lock."""

    async def lock_balances(unit: MemoryUnit, accounts: Iterable[Account]) -> dict[Account, int]:
        await unit._ask("lock_balances")
        balances = unit._changes.balances
        wanted = sorted(accounts)
        for account in wanted:
            if account in balances:
                await unit._lock("balance", account)
        unit._locked_balances.update(wanted)
        return {account: balances.get(account) or 0 for account in wanted}

    with patch.object(MemoryUnit, "lock_balances", lock_balances):
        yield


@contextmanager
def head_held_by_the_frozen() -> Iterator[None]:
    """Postgres runs without time-outs: a frozen client keeps its locks for as long as it likes."""
    with (
        patch.object(database, "IDLE_S", math.inf),
        patch.object(database, "TRANSACTION_S", math.inf),
    ):
        yield


@contextmanager
def relay_trusts_its_memory() -> Iterator[None]:
    """After an unclear answer the relay believes that all went well, and asks nobody."""
    publish, open_ = Relay._publish, Relay._open
    believed: dict[str, Chunk] = {}

    async def remember(relay: Relay, chunk: Chunk) -> Chunk | None:
        believed[relay.owner] = chunk
        return await publish(relay, chunk)

    async def open_once(relay: Relay) -> None:
        if relay.owner not in believed:
            await open_(relay)
            return
        relay._last, relay.position = believed[relay.owner].last, believed[relay.owner].position

    with (
        patch.object(Relay, "_publish", remember),
        patch.object(Relay, "_open", open_once),
    ):
        yield


@contextmanager
def timers_deleted_before_the_ack() -> Iterator[None]:
    """The scheduler takes a deadline off its list, and then sends it."""

    async def hasty(scheduler: Scheduler) -> int:
        now = scheduler.clock.now()
        due = await scheduler.store.due_timers(now, (), TIMERS_MAX)
        assert isinstance(scheduler.store, MemoryStore)
        for timer in due:
            scheduler.store.tables.timers.pop(timer.timer_id, None)
        if due:
            await scheduler.sink.send(due, now)
        return len(due)

    with patch.object(Scheduler, "step", hasty):
        yield


@contextmanager
def events_handled_twice() -> Iterator[None]:
    """A record of an event that was handled before is taken for a new one."""

    def careless(progress: Progress, _: Record, headers: Mapping[str, bytes], __: int) -> int:
        sequence, _previous = progress.reader.sequence(headers)
        return sequence

    def all_new(progress: Progress, record: Record) -> bool:
        return record.place in progress.offsets

    with (
        patch.object(Progress, "sequence_of", careless),
        patch.object(Progress, "is_new", all_new),
    ):
        yield


@contextmanager
def refused_reuse_forgotten() -> Iterator[None]:
    """That another body of an id was refused before is not looked up."""

    async def find_streams(unit: MemoryUnit, _: Iterable[str]) -> set[str]:
        await unit._ask("find_streams")
        return set()

    with patch.object(MemoryUnit, "find_streams", find_streams):
        yield


class Plant(NamedTuple):
    """A bug, and the kinds of faults that bring it out soonest."""

    put_in: Callable[[], AbstractContextManager[None]]
    faults: tuple[Fault, ...] = ()


PLANTS = (
    Plant(offset_not_fenced, (Fault.EXPEL,)),
    Plant(inbox_left_out),
    Plant(missing_row_not_locked, (Fault.RACE, Fault.SLOW, Fault.HASTE)),
    Plant(missing_balance_not_locked, (Fault.RACE, Fault.SLOW, Fault.HASTE)),
    Plant(head_held_by_the_frozen, (Fault.FREEZE_POINT,)),
    Plant(relay_trusts_its_memory, (Fault.LATE_RECORDS,)),
    Plant(timers_deleted_before_the_ack, (Fault.LOSS, Fault.KAFKA_AWAY, Fault.KILL)),
    Plant(events_handled_twice, (Fault.EXPEL,)),
    Plant(refused_reuse_forgotten, (Fault.OTHER_BODY,)),
)
