"""One simulation from options to verdict: faults, then none, and everything must converge."""

import asyncio
import gc
import logging
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from danbao.contracts.decider import Service
from danbao.kernel.crash import meet
from danbao.testing.simulation.checks import all_problems
from danbao.testing.simulation.clients import Clients
from danbao.testing.simulation.faults import Options, make_plan
from danbao.testing.simulation.fleet import Fleet
from danbao.testing.simulation.history import History
from danbao.testing.simulation.mishaps import Mishaps
from danbao.testing.simulation.process import meet_point
from danbao.testing.simulation.quiet import what_moves
from danbao.testing.simulation.watch import Watch
from danbao.testing.simulation.world import Coverage, World

CONVERGE_S: Final = 90.0
"""Within so many virtual seconds without faults everything must have come to rest."""
LOOK_S: Final = 0.5
GARBAGE: Final = 100_000
JUMPS: Final = (timedelta(hours=1), timedelta(days=3), timedelta(days=11))
"""In the end the clock is moved on, so that every deadline comes."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one run."""

    options: Options
    problems: tuple[str, ...]
    trace_hash: str
    trace: tuple[str, ...]
    """The last lines."""
    coverage: Coverage
    commands: int
    events: int
    seconds: float
    """Virtual ones."""
    steps: int

    @property
    def is_green(self) -> bool:
        """Nothing was found."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class Played:
    """A world at its end, with what was seen of it."""

    world: World
    watch: Watch
    history: History
    services: Mapping[str, Service]

    def problems(self) -> list[str]:
        """What is not as it must be."""
        found = self.world.problems
        return found or all_problems(self.world, self.watch, self.history, self.services)


def simulate(options: Options, services: Mapping[str, Service] | None = None) -> Result:
    """Run one simulation to its end and check it; without `services`, those of `danbao.app`."""
    played = play(options, services)
    world = played.world
    return Result(
        options=options,
        problems=tuple(played.problems()),
        trace_hash=world.trace.digest(world.random),
        trace=tuple(world.trace.lines),
        coverage=world.coverage,
        commands=played.history.commands,
        events=len(world.tables.log),
        seconds=world.loop.time(),
        steps=world.loop.steps,
    )


def play(options: Options, services: Mapping[str, Service] | None = None) -> Played:
    """Run one simulation to its end, or until a commit breaks a promise."""
    chosen = _all_services() if services is None else services
    world = World(make_plan(options, chosen))
    played = Played(world, Watch(world), History(), chosen)
    meet(meet_point)
    try:
        with _silence(), _few_collections():
            world.loop.run_until_complete(_play(played))
    except Exception as error:  # noqa: BLE001 - a seed that breaks the simulator is a finding
        world.note(*traceback.format_exception(error))
        world.fail(f"the simulation itself failed: {error!r}")
    finally:
        meet(None)
        world.loop.close()
    return played


async def _play(played: Played) -> None:
    """Let the story run until it ends or a promise is broken."""
    world = played.world
    fleet = Fleet(world, played.watch, played.services)
    story = asyncio.create_task(_story(played, fleet))
    broken = asyncio.create_task(world.is_broken.wait())
    await asyncio.wait({story, broken}, return_when=asyncio.FIRST_COMPLETED)
    for task in (story, broken):
        task.cancel()
    await asyncio.wait({story, broken})
    await fleet.end()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others)
    if not story.cancelled():
        story.result()


async def _story(played: Played, fleet: Fleet) -> None:
    """Commands and faults, then rest, then every deadline and rest again."""
    world = played.world
    mishaps = Mishaps(world, fleet)
    fleet.start_all()
    mishaps.begin()
    await Clients(world, played.watch, played.history).run()
    await mishaps.end()
    await _converge(world, played.services)
    for jump in JUMPS:
        world.note("clock moved by", jump)
        world.moved += jump
        await _converge(world, played.services)


async def _converge(world: World, services: Mapping[str, Service]) -> None:
    """Wait until nothing moves any more."""
    deadline = world.loop.time() + CONVERGE_S
    moves = ["nobody has looked yet"]
    while moves:
        if world.loop.time() > deadline:
            world.fail(f"not at rest after {CONVERGE_S:.0f} s without faults: {moves[0]}")
            return
        await asyncio.sleep(LOOK_S)
        moves = what_moves(world, services)


@contextmanager
def _few_collections() -> Iterator[None]:
    """Look for cycles of garbage rarely: a run makes many objects, and is soon over."""
    before = gc.get_threshold()
    gc.set_threshold(GARBAGE, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def _silence() -> Iterator[None]:
    """Let the kernel log nothing meanwhile: it would be thousands of lines of no time."""
    before = structlog.get_config()
    quiet = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=quiet)
    try:
        yield
    finally:
        structlog.configure(**before)


def _all_services() -> Mapping[str, Service]:
    from danbao.app import SERVICES  # noqa: PLC0415 - the app needs servers' clients; this does not

    return SERVICES
