"""Two builds in one run: the engine of another commit beside ours, measured in turns.

Both engines stand side by side in homes of their own and take turns, so that whatever else the
machine does hits both; the generator is the same.  A ratio whose sides spread wide is refused.
"""

import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from danbao.bench.figures import spread
from danbao.kernel.errors import SetupError

SPREAD_MAX = 0.15
THIS = "this"


@dataclass(frozen=True, slots=True)
class Build:
    """A build under measurement, and what its processes need in their environment."""

    name: str
    environment: Mapping[str, str]


@contextmanager
def build_of(reference: str) -> Iterator[Build]:
    """Check a commit out beside this one; the packages are those of this environment.

    Raises:
        SetupError: this is no checkout, or it has no such commit.
    """
    root = Path(__file__).resolve().parents[3]
    commit = _git(root, "rev-parse", "--short", f"{reference}^{{commit}}")
    with tempfile.TemporaryDirectory(prefix="danbao-build-") as folder:
        place = Path(folder, "build")
        _git(root, "worktree", "add", "--detach", "--quiet", str(place), commit)
        try:
            yield Build(commit, {"PYTHONPATH": str(place / "services")})
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
    ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]], name: str
) -> dict[str, Any]:
    """Ours over theirs, round by round; None, with the reason, when a side spreads too wide."""
    one, other = [each[name] for each in ours], [each[name] for each in theirs]
    ratios = [a / b for a, b in zip(one, other, strict=True)]
    spreads = {"ours": spread(one), "theirs": spread(other)}
    found: dict[str, Any] = {"of": name, "ratios": ratios, "spreads": spreads}
    if max(spreads.values()) > SPREAD_MAX:
        return found | {"ratio": None, "why": f"a side spreads by more than {SPREAD_MAX:.0%}"}
    return found | {"ratio": median(ratios), "why": ""}
