"""However batches are cut, whoever dies and whatever is lost: the same comes of it."""

import asyncio
from random import Random
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.kernel.trading import (
    PLAN,
    outcome,
    run,
)

from danbao.app import SERVICES
from danbao.testing.engine import Engine

few = settings(max_examples=max(8, settings().max_examples // 5))
"""Each example is a whole engine: a fifth of the usual number."""


seeds = st.builds(Random, st.integers(0, 2**32))


WHOLE: Final = outcome(asyncio.run(run(PLAN, Engine())))


@few
@given(seeds, st.integers(1, 30), st.sampled_from([1, 2, 8]))
def test_batches_may_be_cut_anywhere(random: Random, size_max: int, partitions: int) -> None:
    """How many records a worker happens to find never changes what becomes of them."""
    engine = Engine(
        partitions=partitions, random=random, batch_records=lambda: random.randint(1, size_max)
    )
    assert outcome(asyncio.run(run(PLAN, engine))) == WHOLE


@few
@given(seeds)
def test_a_restart_at_any_moment_changes_nothing(random: Random) -> None:
    """Every part may be killed between any two of its steps."""

    async def with_restarts() -> Engine:
        engine = Engine(random=random, batch_records=lambda: random.randint(1, 5))
        for stage in PLAN:
            for kind, data, name in stage:
                await engine.send(kind, data, id=name)
            for _ in range(random.randint(0, 4)):
                for service in SERVICES:
                    await engine.start_worker(service)
                for _ in range(random.randint(0, 6)):
                    await engine.turn()
                await engine.restart()
            await engine.settle()
        return engine

    assert outcome(asyncio.run(with_restarts())) == WHOLE


@few
@given(seeds)
def test_lost_answers_change_nothing(random: Random) -> None:
    """A COMMIT, or a publishing, whose end is unknown has happened once or not at all."""

    async def with_lost_answers() -> Engine:
        engine = Engine(random=random, batch_records=lambda: random.randint(1, 8))
        for service in SERVICES:
            await engine.start_worker(service)
        for stage in PLAN:
            for kind, data, name in stage:
                await engine.send(kind, data, id=name)
            for _ in range(10):
                for worker in (each for workers in engine.workers.values() for each in workers):
                    if random.random() < 0.5:
                        worker.store.lose_next_commit = random.random() < 0.5
                if random.random() < 0.5:
                    engine.lose_next_publishing(happened=random.random() < 0.5)
                await engine.turn()
            await engine.settle()
        return engine

    assert outcome(asyncio.run(with_lost_answers())) == WHOLE


@few
@given(st.integers(1, 4), seeds)
@pytest.mark.slow
def test_any_number_of_workers_gives_the_same(workers: int, random: Random) -> None:
    """Workers come and go; partitions change hands in between."""

    async def with_workers() -> Engine:
        engine = Engine(random=random)
        for stage in PLAN:
            for kind, data, name in stage:
                await engine.send(kind, data, id=name)
            for service in SERVICES:
                for _ in range(workers):
                    await engine.start_worker(service)
                    if random.random() < 0.5:
                        await engine.turn()
                while len(engine.workers[service]) > 1 and random.random() < 0.5:
                    await engine.stop_worker(engine.workers[service][0])
            await engine.settle()
        return engine

    assert outcome(asyncio.run(with_workers())) == WHOLE


@few
@given(st.integers(0, sum(map(len, PLAN))), seeds)
def test_commands_that_are_sent_again_add_nothing(count: int, random: Random) -> None:
    """A client that is not sure sends again, as often as it likes, in whatever order."""

    async def twice() -> Engine:
        engine = await run(PLAN, Engine())
        again = [command for stage in PLAN for command in stage][:count]
        random.shuffle(again)
        for kind, data, name in again:
            await engine.send(kind, data, id=name)
        await engine.settle()
        return engine

    assert outcome(asyncio.run(twice())) == WHOLE


@few
@given(seeds)
def test_records_that_are_delivered_again_add_nothing(random: Random) -> None:
    """A worker may be given any records a second time: it knows how far it is."""

    async def with_redelivery() -> Engine:
        engine = Engine(random=random, batch_records=lambda: random.randint(1, 8))
        for stage in PLAN:
            for kind, data, name in stage:
                await engine.send(kind, data, id=name)
            await engine.settle()
            for worker in (each for workers in engine.workers.values() for each in workers):
                for place in worker.source.assigned():
                    end = engine.broker.partition(place).end
                    worker.source.seek(place, random.randint(0, end))
        await engine.settle()
        return engine

    assert outcome(asyncio.run(with_redelivery())) == WHOLE
