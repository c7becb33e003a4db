"""What must be so at the end of a simulation, each promise by its number (reliability 3).

What holds at every commit is checked by `watch`; this is the rest, once everything is at rest.
"""

from collections.abc import Iterator, Mapping

from danbao.contracts.decider import Service
from danbao.testing.simulation.answers import answer_problems
from danbao.testing.simulation.history import History
from danbao.testing.simulation.published import published_problems
from danbao.testing.simulation.sight import sight_problems
from danbao.testing.simulation.states import state_problems
from danbao.testing.simulation.watch import Watch
from danbao.testing.simulation.world import World

PROBLEMS_MAX = 20


def all_problems(
    world: World, watch: Watch, history: History, services: Mapping[str, Service]
) -> list[str]:
    """Give what is not as it must be, at most so many lines."""
    found: list[str] = []
    for problem in _problems(world, watch, history, services):
        found.append(problem)
        if len(found) == PROBLEMS_MAX:
            break
    return found


def _problems(
    world: World, watch: Watch, history: History, services: Mapping[str, Service]
) -> Iterator[str]:
    yield from answer_problems(world, watch, history)
    yield from published_problems(world)
    yield from state_problems(world, watch, services)
    yield from sight_problems(world)
