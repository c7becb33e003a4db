"""Print the fastest Python of this machine to make `.venv` with; used by `make setup`.

An interpreter built without profile-guided optimisation (what pyenv and many build scripts leave
behind) costs danbao up to a fifth of its rate, and no build flag tells it from a distribution's
reliably: so each is timed, for a fraction of a second.  They are timed in turns, as a machine that
is shared may be half as fast a moment later.  Only those of the same version as
the one that runs this are asked, and only those that can make a virtual environment with pip.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median

VERSION = sys.version_info[:2]
NAMES = ("python3", f"python{VERSION[0]}.{VERSION[1]}")
CLEARLY = 0.9
"""Another one is taken only if it needs less than this share of the time."""
TURNS = 5
WITHIN_S = 20

TRIAL = """
import ensurepip, sys, time, venv
class Row:
    __slots__ = ("name", "change")
    def __init__(self, name, change):
        self.name, self.change = name, change
def work():
    sums = {}
    for number in range(30_000):
        row = Row(f"account/{number % 500}", number)
        sums[row.name] = sums.get(row.name, 0) + row.change
    return sorted(sums.items())
def seconds():
    begun = time.process_time()
    work()
    return time.process_time() - begun
print(*sys.version_info[:2], min(seconds() for _ in range(3)))
"""
"""What the engine does all day, in small: objects, text, dictionaries."""


def candidates(path: str) -> Iterator[Path]:
    """Every Python in these folders, in their order; the links to one program count once."""
    known = set()
    for folder in map(Path, filter(None, path.split(os.pathsep))):
        for name in NAMES:
            found = folder / name
            if found.is_file() and os.access(found, os.X_OK) and found.resolve() not in known:
                known.add(found.resolve())
                yield found


def seconds(python: Path) -> float | None:
    """How long the trial takes with it; None if it is another version, or cannot make a venv."""
    try:
        done = subprocess.run(
            [python, "-c", TRIAL], capture_output=True, text=True, timeout=WITHIN_S, check=True
        )
        *version, took = done.stdout.split()
        return float(took) if tuple(map(int, version)) == VERSION else None
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def fastest(mine: Path, others: Iterable[Path]) -> Path:
    """Mine, or the first that can if mine cannot; another if it is clearly faster in most turns."""
    able = list(dict.fromkeys((mine, *others)))
    turns: list[dict[Path, float]] = []
    for _ in range(TURNS):
        turns.append({python: took for python in able if (took := seconds(python)) is not None})
        able = list(turns[-1])
    if not able:
        return mine
    first = able[0]
    shares = {python: median(turn[python] / turn[first] for turn in turns) for python in able}
    best = min(able, key=shares.__getitem__)
    return best if shares[best] < CLEARLY else first


if __name__ == "__main__":
    print(fastest(Path(sys.executable), candidates(os.environ.get("PATH", ""))))
