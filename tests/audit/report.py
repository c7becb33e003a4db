"""What an audit says: violations, each with a stable check id and the place where it lies."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .rows import Row

SHOWN_CHARACTERS_MAX: Final = 300


@dataclass(slots=True)
class Violation:
    """One broken rule. `times` is how often the same check failed, this one included."""

    check: str
    position: int | None
    stream: str | None
    expected: str
    found: str
    times: int = 1

    def __str__(self) -> str:
        """Say it in one line, the way the command line prints it."""
        place = "" if self.position is None else f" at position {self.position}"
        stream = "" if self.stream is None else f" of {self.stream}"
        more = "" if self.times == 1 else f" ({self.times} in all)"
        return f"{self.check}{place}{stream}: expected {self.expected}; found {self.found}{more}"

    def as_json(self) -> dict[str, object]:
        """Return the plain fields, for `--json`."""
        return asdict(self)


@dataclass(slots=True)
class Report:
    """Collects violations and keeps the first `examples_max` of each check."""

    examples_max: int = 1
    counts: dict[str, int] = field(default_factory=dict)
    kept: list[Violation] = field(default_factory=list)

    def add(
        self,
        check: str,
        expected: object,
        found: object,
        *,
        position: int | None = None,
        stream: str | None = None,
    ) -> None:
        """Count a violation, and keep it if it is among the first of its check."""
        count = self.counts.get(check, 0) + 1
        self.counts[check] = count
        if count <= self.examples_max:
            self.kept.append(Violation(check, position, stream, _short(expected), _short(found)))

    def at(self, row: Row, check: str, expected: object, found: object) -> None:
        """Count a violation that lies in one row of the log."""
        self.add(check, expected, found, position=row.position, stream=row.stream)

    def violations(self) -> list[Violation]:
        """Return what was kept, the first of each check carrying the total count."""
        told: set[str] = set()
        for violation in self.kept:
            violation.times = 1 if violation.check in told else self.counts[violation.check]
            told.add(violation.check)
        return self.kept


def _short(value: object) -> str:
    """Shorten long values: a report names the fault, it does not dump the row."""
    text = value if isinstance(value, str) else repr(value)
    if len(text) <= SHOWN_CHARACTERS_MAX:
        return text
    return f"{text[:SHOWN_CHARACTERS_MAX]}… ({len(text)} characters)"
