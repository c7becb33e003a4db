"""The watch asks servers that may hang, and holds nothing against its process meanwhile."""

from collections.abc import Collection
from types import SimpleNamespace

import pytest

from danbao.kernel.pulse import Pulse
from danbao.kernel.waiting import Waiting
from danbao.watch import watch
from danbao.watch.state import State
from danbao.watch.watch import Watch

STUCK_AFTER_S = 15.0
HANGS_S = 8.0


class Standing:
    """A process that lives, and nothing of it moves."""

    stopping = False

    def __init__(self) -> None:
        self.pulse = Pulse()

    def unready(self) -> list[str]:
        return []

    def marks(self) -> dict[str, object]:
        self.pulse.turn()
        return {"a": 0}


@pytest.mark.parametrize(("hangs_s", "ended_at"), [(0.0, 20), (HANGS_S, 28)])
def test_what_waits_counts_from_the_answer_on(
    monkeypatch: pytest.MonkeyPatch, hangs_s: float, ended_at: int
) -> None:
    """A broker that was frozen answers late; clients need some seconds from then on."""
    clock = SimpleNamespace(now=0.0, hangs_s=hangs_s)
    monkeypatch.setattr(watch, "time", SimpleNamespace(monotonic=lambda: clock.now))

    async def ask(moving: Collection[str]) -> Waiting:
        assert "a" not in moving
        clock.now += clock.hangs_s
        clock.hangs_s = 0.0
        return {"a": "stands at 3 of 5"}

    state = State(Standing(), lambda: clock.now, turn_within_s=60, answer_within_s=10)
    watching = Watch(state, STUCK_AFTER_S, ask, lambda: None)
    while watching.look(clock.now) is None:
        clock.now += 1
        assert clock.now < 60, "it is stuck for good"
    assert clock.now == ended_at
