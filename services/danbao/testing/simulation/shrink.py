"""A smaller run that fails too: fewer kinds of faults first, then fewer commands."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from danbao.contracts.decider import Service
from danbao.testing.simulation.faults import Fault, Options, make_plan
from danbao.testing.simulation.run import Result, simulate

RUNS_MAX: Final = 60
WITHIN_S: Final = 60.0
COMMANDS_MIN: Final = 5


class _Search:
    """Looks for smaller runs until its means are used up."""

    def __init__(self, services: Mapping[str, Service] | None, runs: int, within_s: float) -> None:
        self._services = services
        self._runs_left = runs
        self._deadline = time.monotonic() + within_s

    def fails(self, options: Options) -> Result | None:
        """Give the result if a run fails; None if it does not, or there is no time to see."""
        if self._runs_left == 0 or time.monotonic() > self._deadline:
            return None
        self._runs_left -= 1
        result = simulate(options, self._services)
        return None if result.is_green else result


def shrink(
    result: Result,
    services: Mapping[str, Service] | None = None,
    *,
    runs_max: int = RUNS_MAX,
    within_s: float = WITHIN_S,
) -> Result:
    """Give the smallest failing run that is found within so many runs and real seconds."""
    search = _Search(services, runs_max, within_s)
    for fault in make_plan(result.options, ()).chances:
        result = search.fails(_without(result.options, fault)) or result
    smaller: Callable[[int], int]
    for smaller in (lambda n: n // 2, lambda n: n * 3 // 4, lambda n: n * 9 // 10):
        while (fewer := smaller(result.options.commands)) >= COMMANDS_MIN:
            found = search.fails(replace(result.options, commands=fewer))
            if found is None:
                break
            result = found
    return result


def _without(options: Options, fault: Fault) -> Options:
    return replace(options, without=(*options.without, fault))
