"""What a worker has done since it started: plain numbers, raised once a batch.

Whoever shows them reads them from another thread; each is one whole number, so no lock is needed.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

RECORDS_BOUNDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)
SECONDS_BOUNDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass(slots=True)
class Histogram:
    """How often a value fell at or below each bound, and above the last; and their sum."""

    bounds: Sequence[float]
    counts: list[int] = field(init=False)
    total: float = 0.0

    def __post_init__(self) -> None:
        """Begin with nothing seen."""
        self.counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


@dataclass(frozen=True, slots=True)
class BatchFigures:
    """One committed batch in figures."""

    records: int
    commands: int
    """Commands answered."""
    events: int
    duplicates: int
    dead_letters: int
    refusals: Mapping[str, int]
    """Refusals by code."""
    seconds: float
    """From its first lock to its commit."""
    append_s: float
    """Of these, in the one statement that takes the head row and appends; waiting included."""


@dataclass(slots=True)
class Statistics:
    """All batches together."""

    batches: int = 0
    records: int = 0
    commands: int = 0
    events: int = 0
    duplicates: int = 0
    dead_letters: int = 0
    letters_retried: int = 0
    retries: int = 0
    """Attempts that the database refused, or that lost against another worker's."""
    refusals: Counter[str] = field(default_factory=Counter)
    batch_records: Histogram = field(default_factory=lambda: Histogram(RECORDS_BOUNDS))
    batch_seconds: Histogram = field(default_factory=lambda: Histogram(SECONDS_BOUNDS))
    append_seconds: Histogram = field(default_factory=lambda: Histogram(SECONDS_BOUNDS))

    def note(self, batch: BatchFigures) -> None:
        """Add one batch."""
        self.batches += 1
        self.records += batch.records
        self.commands += batch.commands
        self.events += batch.events
        self.duplicates += batch.duplicates
        self.dead_letters += batch.dead_letters
        self.refusals.update(batch.refusals)
        self.batch_records.observe(batch.records)
        self.batch_seconds.observe(batch.seconds)
        if batch.events:
            self.append_seconds.observe(batch.append_s)
