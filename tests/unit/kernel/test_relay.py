"""The relay publishes each event once, however little Kafka says; and reads ahead when behind."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from tests.unit.kernel.trading import play, side_by_side

from danbao.app import SERVICES
from danbao.kernel.errors import OutcomeUnknownError, RetryableError, UnavailableError
from danbao.kernel.memory.broker import MemoryBroker
from danbao.kernel.memory.sink import MemoryEventSink
from danbao.kernel.memory.store import MemoryStore
from danbao.kernel.memory.tables import Lease, Tables
from danbao.kernel.messages import LogRow
from danbao.kernel.ports import Prepared
from danbao.kernel.relay import CONFIRM_EVERY_S, FENCE_ANEW_S, Relay
from danbao.testing.engine import Engine

CHUNK = 4
WITHIN_S = 5


class Shelf(MemoryStore):
    """A store that says when the log was read, and can fail to read it."""

    fail_reading_after: int | None = None

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables)
        self.read_after: list[int] = []
        self.was_read = asyncio.Event()

    async def read_log(self, after: int, limit: int) -> Sequence[LogRow]:
        self.read_after.append(after)
        self.was_read.set()
        if after == self.fail_reading_after:
            self.fail_reading_after = None
            raise UnavailableError("Postgres went away")
        return await super().read_log(after, limit)


class Slow(MemoryEventSink):
    """A broker that takes a full chunk only once the next one is being read."""

    store: Shelf | None = None

    async def publish(self, records: Prepared) -> None:
        if self.store is not None and sum(len(of_place) for _, of_place in records) == CHUNK:
            self.store.was_read.clear()
            await self.store.was_read.wait()
        await super().publish(records)


class Torn(MemoryEventSink):
    """A broker of which one partition takes its part of a chunk, before the connection breaks."""

    tears = 1

    async def publish(self, records: Prepared) -> None:
        if self.tears == 0 or len(records) == 1:
            await super().publish(records)
            return
        self.tears -= 1
        await super().publish(records[-1:])
        raise OutcomeUnknownError("the connection broke")


@pytest.fixture
async def engine() -> Engine:
    """One with a log that no broker has yet."""
    engine = Engine()
    await play(engine, side_by_side(3))
    engine.tables.lease = Lease()
    engine.broker = MemoryBroker(engine.settings.partitions)
    return engine


def relay_of(engine: Engine) -> tuple[Relay, Shelf, Slow]:
    """A relay with small chunks."""
    store, sink = Shelf(engine.tables), Slow(engine.broker)
    settings = replace(engine.settings, relay_chunk_max=CHUNK)
    return Relay(store, sink, engine.clock, settings, owner="another"), store, sink


async def publish_all(relay: Relay, head: int) -> int:
    """Step until all is published; gives how often a step failed."""
    failed = 0
    async with asyncio.timeout(WITHIN_S):
        while relay.position < head:
            await asyncio.sleep(0)
            try:
                await relay.step()
            except RetryableError:
                failed += 1
    return failed


def positions(engine: Engine) -> list[int]:
    """What the broker holds, in order of the log."""
    records = [r for name in SERVICES for r in engine.broker.records(f"danbao.{name}.events")]
    return sorted(int(dict(record.headers)["ce_sequence"]) for record in records)


async def test_the_next_chunk_is_read_while_this_one_is_published(engine: Engine) -> None:
    relay, store, sink = relay_of(engine)
    sink.store = store
    assert await publish_all(relay, len(engine.log)) == 0
    assert positions(engine) == list(range(1, len(engine.log) + 1))
    assert all(later - earlier <= CHUNK for earlier, later in pairwise(store.read_after))
    assert len(store.read_after) == len(set(store.read_after)), "nothing is read twice"


async def test_a_chunk_that_cannot_be_read_ahead_holds_nothing_back(engine: Engine) -> None:
    relay, store, _ = relay_of(engine)
    store.fail_reading_after = CHUNK
    assert await publish_all(relay, len(engine.log)) == 1
    assert positions(engine) == list(range(1, len(engine.log) + 1))


@pytest.mark.parametrize("is_published", [True, False])
async def test_what_was_read_ahead_is_forgotten_when_publishing_ends_unclearly(
    engine: Engine, *, is_published: bool
) -> None:
    relay, store, sink = relay_of(engine)
    await relay.step()
    sink.lose_next_answer = is_published
    with pytest.raises(OutcomeUnknownError):
        await relay.step()
    assert store.read_after[-1] == 2 * CHUNK
    assert await publish_all(relay, len(engine.log)) == 0
    assert positions(engine) == list(range(1, len(engine.log) + 1))


async def test_a_chunk_that_came_in_part_is_completed(engine: Engine) -> None:
    """Without a transaction some partitions have it and others not: each is asked."""
    relay, _, _ = relay_of(engine)
    relay.sink = torn = Torn(engine.broker)
    assert await publish_all(relay, len(engine.log)) == 1
    assert torn.tears == 0
    assert positions(engine) == list(range(1, len(engine.log) + 1))


async def test_a_relay_that_leads_for_long_fences_anew(engine: Engine) -> None:
    """Kafka forgets whom it refuses; a relay that was thought dead may still wake up."""
    relay, _, _ = relay_of(engine)
    await relay.step()
    await engine.clock.sleep(FENCE_ANEW_S - 1)
    await relay.step()
    assert relay.opened == 1
    await engine.clock.sleep(1)
    await relay.step()
    assert relay.opened == 2
    assert await publish_all(relay, len(engine.log)) == 0
    assert positions(engine) == list(range(1, len(engine.log) + 1))


async def test_what_was_published_is_confirmed_now_and_then_and_at_the_end(engine: Engine) -> None:
    """A confirmation is a commit of its own, and a lower bound is all that anybody needs."""
    relay, _, _ = relay_of(engine)
    await relay.step()
    await relay.step()
    assert engine.tables.lease.confirmed == CHUNK
    await engine.clock.sleep(CONFIRM_EVERY_S)
    await relay.step()
    assert engine.tables.lease.confirmed == 3 * CHUNK
    await publish_all(relay, len(engine.log))
    assert await relay.step() == 0
    assert engine.tables.lease.confirmed == len(engine.log)


async def test_a_relay_that_leaves_confirms_first(engine: Engine) -> None:
    """So the next one begins where it ended."""
    relay, _, _ = relay_of(engine)
    await relay.step()
    await relay.step()
    await relay.leave()
    assert engine.tables.lease.confirmed == 2 * CHUNK


async def test_a_relay_that_was_replaced_leaves_quietly(engine: Engine) -> None:
    """What is to be closed after it must still be closed."""
    relay, _, _ = relay_of(engine)
    await relay.step()
    await relay.step()
    engine.tables.lease = Lease(owner="two", until=engine.clock.now(), confirmed=CHUNK)
    await relay.leave()
    assert engine.tables.lease.owner == "two"
    assert engine.tables.lease.confirmed == CHUNK
