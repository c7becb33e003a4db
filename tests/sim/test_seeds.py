"""A few seeds at each change; `make sim` has as many as one likes."""

import json
from dataclasses import replace

import pytest
from tests.sim.planted import inbox_left_out
from typer.testing import CliRunner

from danbao.testing.simulation import Fault, Options, Result, shrink, simulate, sweep
from danbao.testing.simulation.__main__ import app
from danbao.testing.simulation.clients import Clients
from danbao.testing.simulation.faults import make_plan


@pytest.mark.parametrize("seed", range(1, 9))
def test_a_seed_is_green(seed: int) -> None:
    """Whatever fails and whenever: nothing is lost, doubled or left unanswered."""
    result = simulate(Options(seed, commands=150))

    assert result.is_green, "\n".join([*result.problems, *result.trace])
    assert result.commands == 150


def test_a_seed_gives_the_same_run_in_every_process() -> None:
    """What was found can be repeated, whatever order a process hashes texts in."""
    runs = [Options(seed, commands=40) for seed in (1, 2, 3)]

    found = sweep(runs, jobs=2, twice=3)

    assert found.unlike == []
    assert found.is_green
    assert simulate(runs[-1]).trace_hash == found.last_hash


def test_a_seed_that_breaks_the_simulator_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named and can be repeated; the other seeds go on."""

    async def broken(_: Clients) -> None:
        raise ValueError("no such line")

    monkeypatch.setattr(Clients, "run", broken)
    found = sweep([Options(1, 10), Options(2, 10)])
    assert [result.problems for result in found.failed] == [
        ("the simulation itself failed: ValueError('no such line')",)
    ] * 2


def test_two_seeds_are_two_runs() -> None:
    """A seed that changed nothing would prove nothing."""
    assert simulate(Options(1, 20)).trace_hash != simulate(Options(2, 20)).trace_hash


def test_a_kind_that_is_left_out_never_strikes_and_one_put_in_always_may() -> None:
    """Options mean what they say; leaving one out changes nothing else that the seed drew."""
    seed = next(s for s in range(50) if Fault.KILL in make_plan(Options(s), ()).chances)
    drawn = make_plan(Options(seed), ())
    plan = make_plan(Options(seed, without=(Fault.KILL,)), ())
    assert plan.chances == {f: often for f, often in drawn.chances.items() if f is not Fault.KILL}

    for seed in range(10):
        assert Fault.RACE in make_plan(Options(seed, always=(Fault.RACE,)), ()).chances


def failing() -> Result:
    result = simulate(Options(1, 40))
    assert not result.is_green
    return result


def test_a_failing_run_is_made_smaller() -> None:
    """Whoever mends it reads a short story: here no fault at all is needed."""
    with inbox_left_out():
        least = shrink(failing(), runs_max=30)

    assert not least.is_green
    assert least.options.commands < 20
    assert set(least.options.without) == set(make_plan(Options(1), ()).chances)


def test_shrinking_ends_when_its_runs_are_used_up() -> None:
    """It is a help, never a reason to wait."""
    with inbox_left_out():
        result = failing()
        assert shrink(result, runs_max=0) == result


def test_too_few_crash_points_make_a_long_run_fail() -> None:
    """A generator that no longer reaches a point is blind there."""
    found = sweep([Options(1, 20)])
    assert found.is_green
    assert found.points_missed
    assert not replace(found, seeds=1_000).is_green


def test_the_command_says_how_to_repeat_what_failed() -> None:
    """The line can be copied as it is."""
    with inbox_left_out():
        ended = CliRunner().invoke(
            app, ["--seeds", "1", "--commands", "30", "--without", "kill", "--no-shrinking"]
        )

    assert ended.exit_code == 1
    assert "seed 1 failed" in ended.stdout
    assert (
        "python -m danbao.testing.simulation --seeds 1 --commands 30 --without kill --trace"
        in ended.stdout
    )


def test_the_command_prints_json_for_programs() -> None:
    """A pipeline reads the verdict without reading words."""
    ended = CliRunner().invoke(app, ["--seeds", "2-3", "--commands", "20", "--json"])

    assert ended.exit_code == 0
    found = json.loads(ended.stdout)
    assert found["is_green"]
    assert found["seeds"] == 2
    assert found["commands"] == 40


@pytest.mark.parametrize("seeds", ["x", "3-1", "1-x", ""])
def test_seeds_that_are_none_are_wrong_use(seeds: str) -> None:
    """A typing error does not run for an hour."""
    assert CliRunner().invoke(app, ["--seeds", seeds]).exit_code == 2
