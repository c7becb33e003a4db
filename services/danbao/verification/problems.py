"""What verification finds: each problem has a stable code and, where there is one, a position."""

from collections.abc import Iterable

import msgspec

PROBLEMS_MAX = 20
"""Kept of each task; the rest is counted."""


class Problem(msgspec.Struct, frozen=True):
    """One thing that is not as the log says."""

    code: str
    detail: str
    position: int | None = None
    """The first position that it concerns; None where it concerns none."""
    stream: str | None = None


class Found(msgspec.Struct):
    """The problems of one task, the first ones in words."""

    checked: int = 0
    count: int = 0
    problems: list[Problem] = []

    def add(
        self, code: str, detail: str, position: int | None = None, stream: str | None = None
    ) -> None:
        """Note a problem."""
        self.count += 1
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(Problem(code, detail, position, stream))

    def take(self, other: "Found") -> None:
        """Take what another task found."""
        self.checked += other.checked
        self.count += other.count
        self.problems += other.problems


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """By position, those without one last."""
    return sorted(problems, key=lambda each: (each.position is None, each.position or 0, each.code))
