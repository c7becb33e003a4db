"""The simulator finds what is wrong: a bug at a time, planted by patching, never in the product."""

import pytest
from tests.sim.planted import PLANTS, Plant

from danbao.testing.simulation import Options, simulate

SEEDS = 60
COMMANDS = 100


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.put_in.__name__)
def test_a_planted_bug_is_found(plant: Plant) -> None:
    """A check that never bites protects nobody; the same runs without the bug are green."""
    runs = [Options(seed, COMMANDS, always=plant.faults) for seed in range(1, SEEDS + 1)]
    with plant.put_in():
        found = next((run for run in map(simulate, runs) if not run.is_green), None)
    assert found is not None, f"not found in {SEEDS} seeds"

    healthy = simulate(found.options)
    assert healthy.is_green, healthy.problems
