"""Every crash point of the code is hit in the fault suite, by SIGKILL and by SIGSTOP."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.faults import test_builds_die as builds
from tests.faults import test_crash_points as under_load
from tests.faults import test_letters_tried_again as letters
from tests.tidy.checkout import ROOT

from danbao.kernel.crash import POINTS

NAMED = re.compile(r'crash_point\(\s*"([^"]+)"')


def named_in_code() -> set[str]:
    """Every point that the engine's code names."""
    files = sorted((ROOT / "services").rglob("*.py"))
    return {name for path in files for name in NAMED.findall(Path(path).read_text())}


def hit_by(*tests: Callable[..., object]) -> set[str]:
    """The points that tests take as their parameter."""
    marks: list[pytest.Mark] = [m for test in tests for m in getattr(test, "pytestmark", [])]
    parameters = [m.args[1] for m in marks if m.name == "parametrize" and m.args[0] == "point"]
    return {str(each.values[0]) for given in parameters for each in given}


def test_the_list_of_points_is_the_one_in_the_code() -> None:
    """A plan for a point that no code reaches would never be carried out."""
    assert named_in_code() == set(POINTS)


def test_every_point_is_hit_by_a_kill_and_by_a_freeze() -> None:
    """A point that no test reaches is a promise that nobody has tried."""
    assert hit_by(
        under_load.test_a_process_killed_at_a_point_loses_and_doubles_nothing,
        letters.test_a_worker_killed_while_it_tries_letters_again_handles_each_once,
        builds.test_a_projector_killed_in_a_build_goes_on_with_it,
    ) == set(POINTS)
    assert hit_by(
        under_load.test_a_process_frozen_at_a_point_holds_nobody_up_and_is_fenced_when_it_wakes,
        letters.test_a_worker_frozen_while_it_tries_letters_again_holds_nobody_up,
        builds.test_a_projector_frozen_in_a_build_is_replaced,
    ) == set(POINTS)
