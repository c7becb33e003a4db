"""What is measured in turns in one run: two builds, or one build under different work.

Each side has an engine in a home of its own, and they take turns, so that whatever else the machine
does hits all; who has no turn is frozen, and the generator is the same.  A ratio whose sides spread
wide is refused.
"""

import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from danbao.bench.figures import spread
from danbao.bench.session import Work
from danbao.contracts.catalogue import SERVICES
from danbao.kernel.errors import SetupError

SPREAD_MAX = 0.15
THIS = "this"


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison."""

    name: str
    work: Work
    workers: Sequence[str] = ()
    """Such as `escrow=2`."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What its processes need besides ours."""


def with_workers(side: Side, count: int) -> Side:
    """The same with so many workers of each service."""
    name = f"{count} worker{'s' * (count > 1)}"
    return replace(side, name=name, workers=[f"{service}={count}" for service in SERVICES])


def without_hot_merchant(side: Side) -> Side:
    """The same with trades that only Zipf spreads."""
    return replace(side, name="not hot", work=replace(side.work, hot=0.0))


@contextmanager
def of_commit(side: Side, reference: str) -> Iterator[Side]:
    """The same of another commit, checked out beside this; packages are of this environment.

    Raises:
        SetupError: this is no checkout, or it has no such commit.
    """
    root = Path(__file__).resolve().parents[3]
    commit = _git(root, "rev-parse", "--short", f"{reference}^{{commit}}")
    with tempfile.TemporaryDirectory(prefix="danbao-build-") as folder:
        place = Path(folder, "build")
        _git(root, "worktree", "add", "--detach", "--quiet", str(place), commit)
        try:
            yield replace(side, name=commit, environment={"PYTHONPATH": str(place / "services")})
        finally:
            _git(root, "worktree", "remove", "--force", str(place))


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(  # noqa: S603 - git, with words of ours but for the commit
        ["git", "-C", str(root), *words],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SetupError(
            f"git {words[0]}: {done.stderr.strip()}",
            todo="--against needs a git checkout of danbao, and a commit of it.",
        )
    return done.stdout.strip()


def compare(
    side: Sequence[Mapping[str, Any]], base: Sequence[Mapping[str, Any]], name: str
) -> dict[str, Any]:
    """A side over the base, round by round; None, with the reason, when one spreads too wide."""
    one, other = [each[name] for each in side], [each[name] for each in base]
    ratios = [a / b for a, b in zip(one, other, strict=True)]
    spreads = {"side": spread(one), "base": spread(other)}
    found: dict[str, Any] = {"of": name, "ratios": ratios, "spreads": spreads}
    if max(spreads.values()) > SPREAD_MAX:
        return found | {"ratio": None, "why": f"one spreads by more than {SPREAD_MAX:.0%}"}
    return found | {"ratio": median(ratios), "why": ""}
