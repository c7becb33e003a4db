"""Countdowns: the deadlines of a trade, which may stand still and go on with what was left."""

from datetime import datetime, timedelta

import msgspec

_MICROSECOND = timedelta(microseconds=1)


class Countdown(msgspec.Struct, frozen=True, omit_defaults=True):
    """A deadline that runs (`at` is set) or is paused (`left_us` is set, in microseconds).

    `generation` rises whenever it is armed anew: a timer of an older generation is stale.
    """

    generation: int = 0
    at: datetime | None = None
    left_us: int | None = None

    @property
    def left(self) -> timedelta:
        """What is left of a paused countdown."""
        assert self.left_us is not None
        return self.left_us * _MICROSECOND

    def pause(self, now: datetime) -> "Countdown":
        """Stand still; a paused one stays as it is, an overdue one keeps nothing."""
        if self.at is None:
            return self
        left = max(self.at - now, timedelta(0))
        return Countdown(self.generation, None, left // _MICROSECOND)

    def run(self, at: datetime) -> "Countdown":
        """Run until `at`, as a new generation."""
        return Countdown(self.generation + 1, at, None)

    def hold(self, left: timedelta) -> "Countdown":
        """Stand still with `left` to go."""
        return Countdown(self.generation, None, left // _MICROSECOND)

    def is_due(self, generation: int, now: datetime) -> bool:
        """Tell whether the timer of that generation may take effect now."""
        return self.at is not None and self.generation == generation and now >= self.at
