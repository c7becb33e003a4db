"""Which Python `make setup` takes."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]
MINE = "{} {}".format(*sys.version_info[:2])


@pytest.fixture
def chooser() -> ModuleType:
    """The script, as a module."""
    spec = importlib.util.spec_from_file_location("chooser", ROOT / "infra" / "fastest_python.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def python(folder: Path, says: str, status: int = 0, name: str = "python3") -> Path:
    """A program that answers the trial so."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\necho {says}\nexit {status}\n", encoding="utf-8")
    program.chmod(0o755)
    return program


def test_the_trial_times_this_interpreter(chooser: ModuleType) -> None:
    """It can make a venv, so the figure is real."""
    took = chooser.seconds(Path(sys.executable))
    assert took is not None
    assert 0 < took < 5


@pytest.mark.parametrize(
    ("says", "status", "is_taken"),
    [
        (f"{MINE} 0.5", 0, True),
        (f"{MINE} 0.95", 0, False),
        ("3 6 0.1", 0, False),
        (f"{MINE} 0.1", 1, False),
        ("what?", 0, False),
    ],
    ids=["faster", "hardly faster", "another version", "cannot make a venv", "no Python"],
)
def test_another_is_taken_if_it_is_clearly_faster(
    chooser: ModuleType, tmp_path: Path, says: str, status: int, *, is_taken: bool
) -> None:
    """And if it can do what is needed."""
    mine = python(tmp_path / "mine", f"{MINE} 1.0")
    other = python(tmp_path / "other", says, status)
    assert chooser.fastest(mine, [other]) == (other if is_taken else mine)


def test_one_that_was_faster_for_a_moment_is_not_taken(chooser: ModuleType, tmp_path: Path) -> None:
    """A shared machine may be half as fast a moment later."""
    mine = python(tmp_path / "mine", f"{MINE} 1.0")
    other = tmp_path / "other"
    asked = tmp_path / "asked"
    other.write_text(
        f"#!/bin/sh\nif [ -e {asked} ]; then echo {MINE} 1.1; else echo {MINE} 0.5; fi\n"
        f"touch {asked}\n",
        encoding="utf-8",
    )
    other.chmod(0o755)
    assert chooser.fastest(mine, [other]) == mine
    assert asked.exists()


def test_each_program_of_the_path_is_tried_once(chooser: ModuleType, tmp_path: Path) -> None:
    """Links to one program, folders that are not there, and files that cannot run."""
    first = python(tmp_path / "a", "")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / chooser.NAMES[1]).symlink_to(first)
    (tmp_path / "b" / "python3").write_text("no program", encoding="utf-8")
    second = python(tmp_path / "c", "", name=chooser.NAMES[1])
    path = ":".join(str(tmp_path / name) for name in ("a", "missing", "b", "c"))
    assert list(chooser.candidates(f"{path}:")) == [first, second]
