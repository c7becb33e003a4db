"""Which test meets which crash point, and the process that dies or freezes there.

`tests/tidy/test_crash_points.py` fails when a point in the code is met by no test.
"""

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from tests.faults.fleet import Fleet, Member

from danbao.app import SERVICES

UNDER_LOAD = (
    "worker.polled",
    "worker.locked",
    "worker.decided",
    "worker.before_append",
    "worker.after_append",
    "worker.committed",
    "relay.before_send",
    "relay.committed",
    "relay.confirmed",
    "projector.before_write",
    "projector.written",
    "projector.committed",
    "scheduler.before_send",
    "scheduler.sent",
    "bookkeeper.before_close",
    "bookkeeper.closed",
    "checkpointer.signed",
    "checkpointer.filed",
    "checkpointer.kept",
    "checkpointer.published",
)
"""Met while trades go through: `test_crash_points.py`."""

OF_LETTERS = ("worker.retrying", "worker.retried")
"""Met while dead letters are tried again: `test_letters_tried_again.py`."""

OF_BUILDS = ("build.written", "build.before_swap", "build.swapped")
"""Met while a read model is built anew: `test_builds_die.py`."""

WORKERS = ("escrow", "authorization", "settlement", "risk")
BACK_WITHIN_S = {
    "relay": 10.0,
    "projector": 12.0,
    "scheduler": 12.0,
    "checkpointer": 12.0,
    "bookkeeper": 30.0,
}
"""How soon a killed or frozen one is replaced; the bookkeeper rests first, nobody waits for it."""
SERVICE_BACK_WITHIN_S = 10.0


def cases(points: Sequence[str], brief: Sequence[str]) -> list[Any]:
    """Points as parameters, some with the mark of the selection."""
    return [pytest.param(p, marks=[pytest.mark.brief] if p in brief else []) for p in points]


def kind_at(point: str, random: Random) -> str:
    """Which process meets a point."""
    kind = point.partition(".")[0]
    return random.choice(WORKERS) if kind == "worker" else kind


def bar_of(kind: str) -> float:
    """Within how many seconds a process of this kind must be back at work."""
    return BACK_WITHIN_S.get(kind, SERVICE_BACK_WITHIN_S)


async def arm(fleet: Fleet, point: str, how: str, random: Random) -> Member:
    """Let a process die or freeze at a point: anew, or for a freeze of a service a second one."""
    kind = kind_at(point, random)
    is_rare = kind in {"scheduler", "bookkeeper", "checkpointer"}
    plan = f"{point}:{1 if is_rare else random.randint(2, 6)}{how}"
    if how and kind in SERVICES:
        return await fleet.start_member(kind, 1, crash_at=plan)
    return await fleet.renew(f"{kind}-0", crash_at=plan)
