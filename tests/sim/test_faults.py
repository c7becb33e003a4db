"""The simulated servers and processes do what the real ones may do, and nothing milder."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from danbao.kernel.errors import OutcomeUnknownError, UnavailableError
from danbao.kernel.messages import Offset, TopicPartition
from danbao.testing.simulation import Options
from danbao.testing.simulation.database import IDLE_S, SimulatedStore
from danbao.testing.simulation.faults import Fault, make_plan
from danbao.testing.simulation.process import Process, ProcessDead
from danbao.testing.simulation.topics import SESSION_S, SimulatedEventSink, SimulatedSource
from danbao.testing.simulation.watch import Watch
from danbao.testing.simulation.world import World

PLACE = TopicPartition("danbao.escrow.commands", 0)
TOPIC = PLACE.topic


def world_of(seed: int = 1, *always: Fault) -> World:
    """A world in which nothing but the kinds named goes wrong."""
    plan = make_plan(Options(seed, without=tuple(Fault), always=always), ())
    world = World(plan)
    world.is_faulty = bool(always)
    return world


def run(world: World, story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Play a story in a world's own time."""
    try:
        world.loop.run_until_complete(story())
    finally:
        world.loop.close()
    assert world.problems == []


def store_of(world: World, name: str) -> SimulatedStore:
    """A store in a process of its own."""
    return SimulatedStore(Process(world, name), Watch(world))


async def move_on(store: SimulatedStore, by: int) -> None:
    """Read so many records further, in one transaction."""
    async with store.unit() as unit:
        offset = (await unit.lock_offsets("escrow", [PLACE]))[PLACE]
        unit._changes.offsets["escrow", PLACE] = Offset(offset.epoch, offset.next_offset + by)


def test_what_a_dead_process_has_open_is_rolled_back_by_the_server() -> None:
    """Its `finally` blocks change nothing: locks are held until the server notices."""
    world = world_of()

    async def story() -> None:
        mine, theirs = store_of(world, "mine"), store_of(world, "theirs")
        await theirs.claim("escrow", PLACE, 0)
        with pytest.raises(ProcessDead):  # noqa: PT012 - the transaction ends in it
            async with mine.unit() as unit:
                await unit.lock_offsets("escrow", [PLACE])
                mine.process.kill()
                await unit.lock_streams([])
        assert (await theirs.read_offset("escrow", PLACE)).next_offset == 0
        with pytest.raises(ProcessDead):
            await mine.head()

    run(world, story)


def test_a_commit_whose_answer_is_lost_goes_either_way() -> None:
    """Both have been seen, and the client is told neither."""
    seen = set()
    for seed in range(40):
        world = world_of(seed)

        async def story(world: World = world) -> None:
            mine, theirs = store_of(world, "mine"), store_of(world, "theirs")
            await theirs.claim("escrow", PLACE, 0)
            with pytest.raises(OutcomeUnknownError):  # noqa: PT012 - the transaction ends in it
                async with mine.unit() as unit:
                    offset = (await unit.lock_offsets("escrow", [PLACE]))[PLACE]
                    unit._changes.offsets["escrow", PLACE] = Offset(offset.epoch, 5)
                    world.postgres.back.clear()
            world.postgres.back.set()
            seen.add((await theirs.read_offset("escrow", PLACE)).next_offset)

        run(world, story)
    assert seen == {0, 5}


def test_the_server_ends_what_a_frozen_client_holds() -> None:
    """Others wait for as long as the time-out, and no longer."""
    world = world_of()

    async def story() -> None:
        mine, theirs = store_of(world, "mine"), store_of(world, "theirs")
        await theirs.claim("escrow", PLACE, 0)
        with pytest.raises(UnavailableError):  # noqa: PT012 - the transaction ends in it
            async with mine.unit() as unit:
                await unit.lock_offsets("escrow", [PLACE])
                begun = world.loop.time()
                await asyncio.sleep(IDLE_S - 1)
                await move_on(theirs, 7)
                assert IDLE_S - 0.1 < world.loop.time() - begun < IDLE_S + 1
                await unit.lock_streams(["trade/T-1"])

    run(world, story)


def test_an_expelled_worker_still_believes_in_its_partitions() -> None:
    """Until it finds out, two workers have the same: only Postgres can tell them apart."""
    world = world_of()

    async def story() -> None:
        zombie = SimulatedSource(Process(world, "zombie"), [TOPIC], "escrow")
        other = SimulatedSource(Process(world, "other"), [TOPIC], "escrow")
        await zombie.start()
        await asyncio.sleep(5)
        everything = zombie.assigned()
        zombie.expel()
        await other.start()
        await asyncio.sleep(0.001)
        assert zombie.assigned() == everything
        await asyncio.sleep(10)
        assert zombie.assigned() | other.assigned() == everything
        assert not zombie.assigned() & other.assigned()

    run(world, story)


def test_partitions_of_a_dead_worker_move_when_its_session_ends() -> None:
    """Nobody says goodbye after SIGKILL."""
    world = world_of()

    async def story() -> None:
        mine = SimulatedSource(Process(world, "mine"), [TOPIC], "escrow")
        other = SimulatedSource(Process(world, "other"), [TOPIC], "escrow")
        await mine.start()
        await other.start()
        await asyncio.sleep(5)
        mine._process.kill()
        await asyncio.sleep(SESSION_S - 1)
        before = len(other.assigned())
        await asyncio.sleep(5)
        assert len(other.assigned()) == world.plan.partitions > before or before == 0

    run(world, story)


@pytest.mark.parametrize("is_opened", [True, False])
def test_records_on_their_way_are_refused_behind_a_fence(*, is_opened: bool) -> None:
    """Without it they arrive, whatever has become of their sender."""
    world = world_of(3, Fault.LATE_RECORDS)
    world.plan.chances[Fault.LATE_RECORDS] = 1.0
    place = TopicPartition("danbao.escrow.events", 0)

    async def story() -> None:
        old = SimulatedEventSink(Process(world, "old"))
        await old.open()
        with pytest.raises(OutcomeUnknownError):
            old._produce(place, [(b"T-1", b"{}", ())])
        old._process.kill()
        if is_opened:
            await SimulatedEventSink(Process(world, "new")).open()
        await asyncio.sleep(20)
        assert len(world.broker.records(place.topic)) == (0 if is_opened else 1)

    run(world, story)
