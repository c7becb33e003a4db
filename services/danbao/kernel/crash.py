"""Named crash points: no-ops in production, places to die at in the fault suite.

`DANBAO_CRASH_AT=point:hit[:stop]` kills this process with SIGKILL, or freezes it with SIGSTOP,
when the point is reached for the given time (1 is the first).
"""

import os
import signal
from collections.abc import Callable

POINTS = (
    "worker.polled",
    "worker.locked",
    "worker.decided",
    "worker.before_append",
    "worker.after_append",
    "worker.committed",
    "worker.retrying",
    "worker.retried",
    "relay.before_send",
    "relay.committed",
    "relay.confirmed",
    "projector.before_write",
    "projector.written",
    "projector.committed",
    "build.written",
    "build.before_swap",
    "build.swapped",
    "scheduler.before_send",
    "scheduler.sent",
    "checkpointer.signed",
    "checkpointer.filed",
    "checkpointer.kept",
    "checkpointer.published",
    "bookkeeper.before_close",
    "bookkeeper.closed",
)
"""Every point there is, in the order in which a message meets them."""

_plan: dict[str, tuple[int, int]] = {}
_witness: Callable[[str], None] | None = None


def plan_crash(text: str) -> None:
    """Arm a crash from `point:hit[:stop]`; an empty text arms nothing.

    Raises:
        ValueError: no such point, or a hit that is not a positive number.
    """
    _plan.clear()
    if not text:
        return
    point, _, rest = text.partition(":")
    hit, _, mode = rest.partition(":")
    if point not in POINTS or not hit.isdigit() or mode not in {"", "stop"}:
        message = f"no such crash point: {text!r}; points are {', '.join(POINTS)}"
        raise ValueError(message)
    _plan[point] = (int(hit), signal.SIGSTOP if mode == "stop" else signal.SIGKILL)


def meet(witness: Callable[[str], None] | None) -> None:
    """Tell a simulator of every point that is met; it may raise to end what it simulates."""
    global _witness  # noqa: PLW0603 - one simulator a process, as there is one plan
    _witness = witness


def crash_point(name: str) -> None:
    """Die or freeze here if that was planned."""
    if _witness is not None:
        _witness(name)
    if not _plan or name not in _plan:
        return
    left, how = _plan[name]
    if left > 1:
        _plan[name] = (left - 1, how)
        return
    del _plan[name]
    os.kill(os.getpid(), how)
