"""The event loop whose time jumps."""

import asyncio
from random import Random

import pytest

from danbao.testing.simulation.loop import NothingLeftError, SimulationLoop


def order(seed: int) -> list[int]:
    """In which order five tasks that are ready at once have their turn."""
    loop, seen = SimulationLoop(Random(seed)), []

    async def note(number: int) -> None:
        await asyncio.sleep(1)
        seen.append(number)

    async def all_five() -> None:
        await asyncio.gather(*(note(number) for number in range(5)))

    loop.run_until_complete(all_five())
    loop.close()
    return seen


def test_turns_are_drawn_from_the_seed() -> None:
    """No order that happens to be usual is relied on, and each can be had again."""
    assert order(1) == order(1)
    assert len({tuple(order(seed)) for seed in range(20)}) > 5


def test_a_night_passes_in_no_time() -> None:
    """Time is that of the next timer, to the second."""
    loop = SimulationLoop(Random(1))

    async def sleep() -> float:
        await asyncio.sleep(8 * 3600)
        return loop.time()

    assert loop.run_until_complete(sleep()) == 8 * 3600
    loop.close()


def test_a_timeout_ends_a_wait_in_virtual_time() -> None:
    """What the kernel gives up after some seconds is given up."""
    loop = SimulationLoop(Random(1))

    async def wait() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3):
                await asyncio.Event().wait()
        return loop.time()

    assert loop.run_until_complete(wait()) == 3
    loop.close()


def test_nobody_left_to_wake_anybody_is_an_error_and_no_hang() -> None:
    """A deadlock says so at once."""
    loop = SimulationLoop(Random(1))
    task = loop.create_task(asyncio.Event().wait())
    with pytest.raises(NothingLeftError):
        loop.run_until_complete(task)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.close()
