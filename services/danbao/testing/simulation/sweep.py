"""Many seeds: run side by side, counted together, and some run twice to see that they repeat."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from danbao.contracts.rejection import RejectionCode
from danbao.kernel.crash import POINTS
from danbao.testing.simulation.faults import Fault, Options
from danbao.testing.simulation.run import Result, simulate
from danbao.testing.simulation.world import Coverage

SEEDS_FOR_COVERAGE: Final = 1_000
"""From so many seeds on, a crash point at which nobody ever died is a failure."""
PARTS: Final = ("worker.", "relay.", "scheduler.")
"""Whose crash points a simulation has; projectors run on Postgres alone."""
ERRORS: Final = ("cancelled", "conflict", "fenced", "outcome_unknown", "unavailable")
A_TASK: Final = 4
"""Seeds given to a process at once."""

Runs: TypeAlias = Callable[[Sequence[Options]], Iterator[Result]]


@dataclass(slots=True)
class Sweep:
    """What became of many seeds."""

    seeds: int = 0
    commands: int = 0
    events: int = 0
    virtual_s: float = 0.0
    failed: list[Result] = field(default_factory=list)
    unlike: list[int] = field(default_factory=list)
    """Seeds whose second run was another one: a fault of the simulator."""
    coverage: Coverage = field(default_factory=Coverage)
    last_hash: str = ""
    """Trace hash of the last seed."""

    def add(self, result: Result) -> None:
        """Count a run in."""
        self.seeds += 1
        self.commands += result.commands
        self.events += result.events
        self.virtual_s += result.seconds
        self.last_hash = result.trace_hash
        self.coverage.add(result.coverage)
        if not result.is_green:
            self.failed.append(result)

    @property
    def points_missed(self) -> list[str]:
        """Crash points at which nobody died."""
        points = [point for point in POINTS if point.startswith(PARTS)]
        return [point for point in points if not self.coverage.points[f"dead:{point}"]]

    @property
    def unseen(self) -> list[str]:
        """Kinds of faults and errors, and codes of refusals, that never came up."""
        seen = self.coverage
        return [
            *(f"fault {fault.value}" for fault in Fault if not seen.faults[fault]),
            *(f"error {code}" for code in ERRORS if not seen.errors[code]),
            *(f"refusal {code.value}" for code in RejectionCode if not seen.codes[code.value]),
        ]

    @property
    def is_green(self) -> bool:
        """Nothing was found, and the runs saw what they were made to see."""
        is_blind = self.seeds >= SEEDS_FOR_COVERAGE and bool(self.points_missed)
        return not (self.failed or self.unlike or is_blind)


def sweep(
    options: Sequence[Options],
    *,
    jobs: int = 1,
    twice: int = 0,
    each: Callable[[Result], None] = lambda _: None,
) -> Sweep:
    """Run many simulations.

    Args:
        options: one for each run.
        jobs: processes that run them; 1 runs all of them here.
        twice: so many of the first ones are run again, in another process if there are any.
        each: called after every run.
    """
    whole = Sweep()
    hashes: dict[int, str] = {}
    for runs, again in ((options, False), (options[:twice], True)):
        if not runs:
            continue
        with _runner(jobs) as run:
            for result in run(runs):
                each(result)
                seed = result.options.seed
                if not again:
                    whole.add(result)
                    hashes[seed] = result.trace_hash
                elif hashes[seed] != result.trace_hash:
                    whole.unlike.append(seed)
    return whole


@contextmanager
def _runner(jobs: int) -> Iterator[Runs]:
    """Give what runs simulations; new processes hash texts in another order than earlier ones."""
    if jobs == 1:
        yield lambda runs: map(simulate, runs)
        return
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, fresh, _end_with_parent) as pool:
        yield lambda runs: pool.map(simulate, runs, chunksize=A_TASK)


def _end_with_parent() -> None:
    """End this process when the one that started it is gone, however that came about."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
