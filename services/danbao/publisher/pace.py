"""When flows start (pure): an open loop that does not slow down because the engine does.

With a rate, start times are drawn beforehand and a flow that starts late is counted as late; so a
slow engine shows, instead of quietly lowering the load ("coordinated omission").
"""

import math
from random import Random

from danbao.publisher.limits import Limits


class Pace:
    """Tells which flows may start by now, as the times at which they were due."""

    def __init__(self, limits: Limits, seed: int = 1) -> None:
        """The first flow is due at once."""
        self._limits = limits
        self._random = Random(seed)  # noqa: S311
        self._due_s = 0.0
        self.late_s_max = 0.0

    def starts(self, now_s: float, unstarted: int, open_flows: int) -> list[float]:
        """Return when each flow that may start now was due, in seconds after the first."""
        room = min(unstarted, max(0, self._limits.in_flight - open_flows))
        if self._limits.rate is None:
            return [now_s] * room
        due: list[float] = []
        while len(due) < room and self._due_s <= now_s:
            due.append(self._due_s)
            self.late_s_max = max(self.late_s_max, now_s - self._due_s)
            self._due_s += self._gap_s(self._limits.rate)
        return due

    def wait_s(self, now_s: float, unstarted: int, open_flows: int) -> float:
        """Seconds until the next flow is due; infinite when only events can start one."""
        if self._limits.rate is None or not unstarted or open_flows >= self._limits.in_flight:
            return math.inf
        return max(0.0, self._due_s - now_s)

    def _gap_s(self, rate: float) -> float:
        """Time between two starts."""
        burst = self._limits.burst
        if burst is not None and burst.begin_s <= self._due_s < burst.end_s:
            rate *= burst.factor
        return 1 / rate if self._limits.uniform else self._random.expovariate(rate)
