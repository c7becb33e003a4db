"""What `/livez` and `/readyz` say of one process: true or false, with reasons."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from danbao.kernel.pulse import Pulse
from danbao.watch.progress import Marks


class Watched(Protocol):
    """A process as its watcher sees it; all of this is safe to ask from another thread."""

    stopping: bool
    pulse: Pulse

    def unready(self) -> Sequence[str]:
        """Say why it cannot work yet; nothing said means: it can."""
        ...

    def marks(self) -> Marks:
        """Give what moves while it works."""
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer to a probe."""

    is_good: bool
    reasons: Sequence[str]


@dataclass(slots=True)
class State:
    """When the watcher saw which sign of life."""

    process: Watched
    clock: Callable[[], float]
    """Seconds that never go back."""
    turn_within_s: float
    answer_within_s: float
    _turns: int = -1
    _turned_at: float = field(init=False)
    _answers: int = 0
    _answered_at: float | None = None

    def __post_init__(self) -> None:
        """Count from now on."""
        self._turned_at = self.clock()

    def note(self) -> None:
        """Look at the pulse; called about once a second, and before every verdict."""
        now, pulse = self.clock(), self.process.pulse
        if pulse.turns != self._turns:
            self._turns, self._turned_at = pulse.turns, now
        if pulse.answers != self._answers:
            self._answers, self._answered_at = pulse.answers, now

    def forgive(self) -> None:
        """The whole process was stopped for a while: count from now on."""
        self._turned_at = self.clock()

    def live(self) -> Verdict:
        """Alive: the main loop came round not long ago."""
        self.note()
        silent = self.clock() - self._turned_at
        if silent > self.turn_within_s:
            return Verdict(False, [f"the main loop has not come round for {silent:.0f} s"])  # noqa: FBT003
        return Verdict(True, [])  # noqa: FBT003

    def ready(self) -> Verdict:
        """Ready: alive, set up, in touch with Postgres, and not about to stop."""
        reasons = [*self.live().reasons, *self.process.unready()]
        if self.process.stopping:
            reasons.append("stopping")
        if self._answered_at is None:
            reasons.append("Postgres has not answered yet")
        elif (silent := self.clock() - self._answered_at) > self.answer_within_s:
            reasons.append(f"Postgres has not answered for {silent:.0f} s")
        return Verdict(not reasons, reasons)
