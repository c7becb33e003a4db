"""The pulse of a process: counters that its main loop raises, read by whoever watches it.

They say nothing about time: the watcher notes when it saw them change.  Written by one task, read
from another thread; each is one whole number or one flag, so no lock is needed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class Pulse:
    """Signs of life of one main loop."""

    turns: int = 0
    """Times it came round, retries included; every call that waits for a server has a deadline,
    so that no server can keep it from coming round."""
    answers: int = 0
    """Times Postgres answered."""
    resting: bool = False
    """Whether it waits for something to do, and may be ended at once."""

    def turn(self) -> None:
        """The loop came round."""
        self.turns += 1

    def answered(self) -> None:
        """Postgres answered."""
        self.turns += 1
        self.answers += 1

    @contextmanager
    def rest(self) -> Iterator[None]:
        """Nothing is in hand meanwhile."""
        self.resting = True
        try:
            yield
        finally:
            self.resting = False
