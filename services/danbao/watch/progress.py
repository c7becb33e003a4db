"""The watchdog's judgement, pure: what waits while nothing moves, for how long, on whose word.

A process marks what moves (an offset row, a counter).  A mark that stands still proves nothing:
there may be nothing to do.  So servers are asked, over connections of the watcher's own, what waits
behind it; only what waits in several answers while its mark stands still is stuck.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from danbao.kernel.waiting import Waiting

Marks = Mapping[str, object]
"""What moves, by name; a changed value is a move."""
MOVING_S: Final = 2.0
"""What moved so lately is not asked about; two looks of the watch."""


@dataclass(slots=True)
class Progress:
    """What moved when, as far as the watcher saw."""

    stuck_after_s: float
    _marks: dict[str, object] = field(default_factory=dict)
    _moved_at: dict[str, float] = field(default_factory=dict)
    _waits_since: dict[str, float] = field(default_factory=dict)
    _ask_at: float = 0.0

    def forget(self) -> None:
        """Begin anew: the watcher itself was stopped for a while and saw nothing."""
        self._marks.clear()
        self._moved_at.clear()
        self._waits_since.clear()

    def note(self, now: float, marks: Marks) -> None:
        """Compare marks with those seen last."""
        for name, mark in marks.items():
            if name not in self._marks or self._marks[name] != mark:
                self._marks[name] = mark
                self._moved_at[name] = now
                self._waits_since.pop(name, None)
        for name in [name for name in self._marks if name not in marks]:
            del self._marks[name], self._moved_at[name]
            self._waits_since.pop(name, None)

    def should_ask(self, now: float) -> bool:
        """Tell whether something has stood still long enough to ask what waits."""
        if now < self._ask_at:
            return False
        limit = now - self.stuck_after_s * 2 / 3
        return any(moved_at <= limit for moved_at in self._moved_at.values())

    def moving(self, now: float) -> Collection[str]:
        """Give the marks that move: what waits behind them is about to be worked off."""
        return {name for name, moved_at in self._moved_at.items() if now - moved_at < MOVING_S}

    def judge(self, now: float, waiting: Waiting | None) -> str | None:
        """Take in an answer, None for no answer; gives what is stuck, if anything is.

        Without an answer nothing is held against the process: it is the server that is away.
        """
        self._ask_at = now + self.stuck_after_s * 2 / 3
        if not waiting:
            self._waits_since.clear()
            return None
        self._ask_at = now + self.stuck_after_s / 3
        self._waits_since = {name: self._waits_since.get(name, now) for name in waiting}
        stuck = [words for name, words in waiting.items() if self._is_stuck(now, name)]
        return "; ".join(stuck) or None

    def _is_stuck(self, now: float, name: str) -> bool:
        """Tell whether it stands still although servers have been there all the while.

        A mark that stood still while a server was away proves nothing: clients need some seconds
        to find it again, to join their group and to claim their partitions.
        """
        has_waited = now - self._waits_since[name] >= self.stuck_after_s * 2 / 3
        return has_waited and now - self._moved_at.get(name, 0.0) >= self.stuck_after_s
