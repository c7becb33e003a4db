"""The whole engine in one event loop: six services, relay and scheduler on memory, no server.

    engine = Engine()
    await engine.send("accounts.open_account.v1", {"account_id": "B-1", …})
    await engine.settle()                        # run everything until nothing moves
    await engine.advance(timedelta(days=10))     # deadlines fire in the order of their times
    assert engine.balances()["R.CUST.B-1.AVAILABLE", "CNY"] == 10_000

The parts are the ones of production but for the ports, so what holds here is what the kernel
does.  One run is as the other: the clock moves only by `advance`, ids are derived, and turns are
taken in a fixed order, or in one drawn from `random`.  Read models are not part of it.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from uuid import NAMESPACE_OID, uuid5

import msgspec

from danbao.contracts.catalogue import COMMANDS, service_of
from danbao.contracts.decider import Service
from danbao.contracts.rejection import CommandRejected
from danbao.kernel.errors import FencedError, RetryableError
from danbao.kernel.events import decode_event
from danbao.kernel.loaded import Account
from danbao.kernel.memory.broker import MemoryBroker
from danbao.kernel.memory.clock import START, MemoryClock
from danbao.kernel.memory.sink import MemoryCommandSink, MemoryEventSink
from danbao.kernel.memory.source import MemorySource
from danbao.kernel.memory.store import MemoryStore
from danbao.kernel.memory.tables import Tables
from danbao.kernel.messages import DeadLetter, LogRow, TimerRow
from danbao.kernel.records import time_text
from danbao.kernel.relay import Relay
from danbao.kernel.scheduler import Scheduler
from danbao.kernel.settings import Settings
from danbao.kernel.topics import commands_topic, events_topic
from danbao.kernel.worker import Worker
from danbao.ledger.posting import Posting, movements

Headers = Sequence[tuple[str, bytes]]

_postings = msgspec.json.Decoder(tuple[Posting, ...])


class EagerWorker(Worker):
    """A worker that tries postponed events again when it is told to, not after a while."""

    source: MemorySource
    store: MemoryStore
    is_retrying = False

    @property
    def partitions_held(self) -> int:
        """How many partitions wait because of an event that was postponed."""
        return len(self._postponing)

    def _resume(self) -> None:
        now = math.inf if self.is_retrying else -math.inf
        self._postponing.resume(self._progress.offsets, now)


class PatientRelay(Relay):
    """A relay that looks again at its next turn after any unclear answer, not after a while."""

    async def step(self) -> int:
        """Publish what is there, one chunk; gives how many rows were read."""
        try:
            return await super().step()
        except (FencedError, RetryableError):
            self._last = None
            return 0


class Engine:
    """Everything that `danbao up` runs, but for read models and servers."""

    def __init__(
        self,
        services: Mapping[str, Service] | None = None,
        *,
        start: datetime = START,
        partitions: int = 8,
        random: Random | None = None,
        batch_records: Callable[[], int] | None = None,
    ) -> None:
        """Wire the parts.

        Args:
            services: by name; without them, all of `danbao.app`.
            start: what time it is at first.
            partitions: of every topic.
            random: draws the order of turns; without it each has its turn in order.
            batch_records: asked before every turn how many records the next batch may have.
        """
        self.settings = Settings(partitions=partitions)
        self.clock = MemoryClock(start)
        self.tables = Tables()
        self.broker = MemoryBroker(partitions)
        self._services = dict(_all_services() if services is None else services)
        self._random = random
        self._batch_records = batch_records
        self._sent = 0
        self.workers: dict[str, list[EagerWorker]] = {name: [] for name in self._services}
        self.relay = self._make_relay()
        self.scheduler = self._make_scheduler()

    @property
    def log(self) -> Sequence[LogRow]:
        """The log so far."""
        return tuple(self.tables.log)

    @property
    def dead_letters(self) -> list[DeadLetter]:
        """Records that were set aside."""
        return [stored.letter for stored in self.tables.letters.values()]

    def balances(self) -> dict[Account, int]:
        """Give what each account holds by the postings of the log, positive on its normal side."""
        totals: Counter[Account] = Counter()
        for row in self.tables.log:
            if row.postings is not None:
                for account, currency, change in movements(_postings.decode(row.postings)):
                    totals[account, currency] += change
        return {account: minor for account, minor in totals.items() if minor}

    def events(self, flow: str) -> list[str]:
        """Give the wire types of a flow's events, in the order of the log."""
        return [row.type for row in self.tables.log if row.partition_key == flow]

    def answers(self, command_id: str) -> list[LogRow]:
        """Give the events that a command caused directly."""
        return [row for row in self.tables.log if row.causation_id == command_id]

    def refusal(self, command_id: str) -> str | None:
        """Give the code with which a command was refused, if it was."""
        for row in self.answers(command_id):
            event = decode_event(row.type, row.data)
            if isinstance(event, CommandRejected):
                return event.code.value
        return None

    async def send(
        self,
        type: str,  # noqa: A002 - its name on the wire
        data: Mapping[str, object] | bytes,
        *,
        key: str | None = None,
        id: str | None = None,  # noqa: A002 - its name on the wire
        actor: str | None = None,
        headers: Headers = (),
    ) -> str:
        """Send a command; gives its id.

        Without `key` it is the field that the contract names; without `id`, a new one.
        """
        self._sent += 1
        name = id if id is not None else str(uuid5(NAMESPACE_OID, f"command/{self._sent}"))
        if key is None:
            assert isinstance(data, Mapping), "bytes have no field to take the key from"
            key = str(data[COMMANDS[type].KEY])
        everything = {
            "ce_specversion": b"1.0",
            "ce_id": name.encode(),
            "ce_type": type.encode(),
            "ce_source": b"danbao/testing",
            "ce_time": time_text(self.clock.now()).encode(),
            "ce_partitionkey": key.encode(),
            "content-type": b"application/json",
        }
        if actor is not None:
            everything["ce_actor"] = actor.encode()
        everything.update(headers)
        value = data if isinstance(data, bytes) else json.dumps(data, ensure_ascii=False).encode()
        topic = commands_topic(service_of(type))
        self.broker.send(topic, key.encode(), value, tuple(everything.items()))
        return name

    async def settle(self) -> None:
        """Run everything until nothing moves; what waits for a later time goes on waiting."""
        for name, workers in self.workers.items():
            if not workers:
                await self.start_worker(name)
        while True:
            before = await self._progress()
            await self.turn()
            if await self._progress() == before and not await self._retry_postponed():
                return

    async def turn(self) -> None:
        """Let each part work once, and no more."""
        parts: list[EagerWorker | Relay | Scheduler]
        parts = [*self._running(), self.relay, self.scheduler]
        if self._random is not None:
            self._random.shuffle(parts)
        for part in parts:
            if not isinstance(part, Worker):
                await part.step()
                continue
            if self._batch_records is not None:
                size = self._batch_records()
                part.settings = replace(self.settings, batch_records_max=size)
            await part.step(0)

    async def advance(self, by: timedelta) -> None:
        """Let time pass; deadlines on the way fire one after the other, each at its own time."""
        end = self.clock.now() + by
        await self.settle()
        fired: set[str] = set()
        while (timer := self._next_timer(fired)) is not None and timer.due_at <= end:
            fired.add(timer.timer_id)
            self.clock.move_to(max(timer.due_at, self.clock.now()))
            await self.settle()
        self.clock.move_to(end)
        await self.settle()

    async def start_worker(self, service: str) -> EagerWorker:
        """Let one more worker of a service join its group."""
        worker = self._make_worker(self._services[service])
        await worker.source.start()
        self.workers[service].append(worker)
        return worker

    async def stop_worker(self, worker: EagerWorker) -> None:
        """Let a worker go at once, as if it had been killed; its service goes on later."""
        self.workers[worker.service.name].remove(worker)
        await worker.source.close()

    async def restart(self) -> None:
        """Start every part anew, as after a power cut; only store and broker remain."""
        for workers in self.workers.values():
            for worker in list(workers):
                await self.stop_worker(worker)
        self.relay = self._make_relay()
        self.scheduler = self._make_scheduler()

    def lose_next_publishing(self, *, happened: bool) -> None:
        """Let the relay's next answer get lost, whether or not its events were published."""
        self._sink.lose_next_answer = happened

    async def _progress(self) -> tuple[int, ...]:
        """What changes when anything happens, and else stays."""
        offsets = self.tables.offsets.values()
        return (
            self.tables.position,
            self.tables.lease.confirmed,
            sum(offset.next_offset + offset.epoch for offset in offsets),
            sum(self.broker.partition(place).end for place in self.broker.places()),
            sum([await worker.source.lag() for worker in self._running()]),
        )

    async def _retry_postponed(self) -> bool:
        """Try every postponed event again, however small the batches; tell whether one went on."""
        waiting = [worker for worker in self._running() if worker.partitions_held]
        before = await self._progress()
        for worker in waiting:
            worker.is_retrying = True
        for _ in range(max((len(worker.source.assigned()) for worker in waiting), default=0)):
            await self.turn()
        for worker in waiting:
            worker.is_retrying = False
        return await self._progress() != before

    def _running(self) -> list[EagerWorker]:
        return [worker for workers in self.workers.values() for worker in workers]

    def _next_timer(self, besides: set[str]) -> TimerRow | None:
        timers = [t for name, t in self.tables.timers.items() if name not in besides]
        return min(timers, key=lambda timer: timer.due_at, default=None)

    def _make_worker(self, service: Service) -> EagerWorker:
        topics = [commands_topic(service.name), *map(events_topic, service.sources)]
        source = MemorySource(self.broker, topics, group=f"danbao.{service.name}")
        return EagerWorker(service, MemoryStore(self.tables), source, self.clock, self.settings)

    def _make_relay(self) -> PatientRelay:
        store, self._sink = MemoryStore(self.tables), MemoryEventSink(self.broker)
        return PatientRelay(store, self._sink, self.clock, self.settings, owner="relay")

    def _make_scheduler(self) -> Scheduler:
        store, sink = MemoryStore(self.tables), MemoryCommandSink(self.broker)
        return Scheduler(store, sink, self.clock, self.settings)


def _all_services() -> Mapping[str, Service]:
    from danbao.app import SERVICES  # noqa: PLC0415 - the app needs servers' clients; this does not

    return SERVICES
