"""The scheduler: deadlines that have come become commands (architecture 5, `timers`).

It reads without locks and deletes nothing: the worker that handles the command does, in the same
transaction.  Until then it is sent again now and then, so it never gets lost, whatever fails; the
stream's own generation makes a second one harmless.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from danbao.kernel.crash import crash_point
from danbao.kernel.errors import RetryableError
from danbao.kernel.ports import Clock, CommandSink, Store
from danbao.kernel.pulse import Pulse
from danbao.kernel.settings import Settings

TIMERS_MAX = 500
UNHANDLED_MAX = 5_000
"""Commands sent and not handled yet; beyond this the scheduler waits for the workers."""
SEND_AGAIN_S = 10
RETRY_S = 0.5

log = structlog.get_logger()


@dataclass(slots=True)
class Scheduler:
    """Sends the commands of due deadlines."""

    store: Store
    sink: CommandSink
    clock: Clock
    settings: Settings
    stopping: bool = False
    pulse: Pulse = field(default_factory=Pulse)
    doubt: Callable[[], str] = str
    """Says why a deadline should not be believed to have come; empty when there is no reason."""
    sent: int = 0
    _doubted: str = ""
    _sent_at: dict[str, float] = field(default_factory=dict)

    async def run(self) -> None:
        """Send until asked to stop."""
        while not self.stopping:
            self.pulse.turn()
            try:
                sent = await self.step()
                self.pulse.answered()
                if sent < TIMERS_MAX:
                    with self.pulse.rest():
                        await self.clock.sleep(self.settings.timer_poll_s)
            except RetryableError as error:
                log.warning("scheduler.interrupted", error_code=error.code, error=str(error)[:200])
                await self.clock.sleep(RETRY_S)

    async def leave(self) -> None:
        """Nobody waits for what this holds."""

    def unready(self) -> list[str]:
        """Say what keeps it from sending."""
        return [self._doubted] if self._doubted else []

    def marks(self) -> Mapping[str, object]:
        """What it sent."""
        return {"sent": self.sent}

    async def step(self) -> int:
        """Send what is due now; gives how many commands were sent."""
        now, monotonic = self.clock.now(), self.clock.monotonic()
        self._sent_at = {
            name: at for name, at in self._sent_at.items() if at > monotonic - SEND_AGAIN_S
        }
        if len(self._sent_at) >= UNHANDLED_MAX:
            return 0
        due = await self.store.due_timers(now, self._sent_at, TIMERS_MAX)
        if self._is_in_doubt() or not due:
            return 0
        crash_point("scheduler.before_send")
        await self.sink.send(due, now)
        crash_point("scheduler.sent")
        self._sent_at.update((timer.timer_id, monotonic) for timer in due)
        self.sent += len(due)
        return len(due)

    def _is_in_doubt(self) -> bool:
        """While clocks disagree, deadlines wait: one sent too early cannot be taken back."""
        doubt = self.doubt()
        if doubt and not self._doubted:
            log.error("scheduler.paused", reason=doubt)
        if self._doubted and not doubt:
            log.info("scheduler.resumed")
        self._doubted = doubt
        return bool(doubt)
