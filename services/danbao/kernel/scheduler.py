"""The scheduler: deadlines that have come become commands (architecture 5, `timers`).

It reads without locks and deletes only after the acknowledgement, so a command may be sent twice
and never gets lost; the stream's own generation makes the second one harmless.
"""

from dataclasses import dataclass

import structlog

from danbao.kernel.crash import crash_point
from danbao.kernel.errors import RetryableError
from danbao.kernel.ports import Clock, CommandSink, Store
from danbao.kernel.settings import Settings

TIMERS_MAX = 500
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
    sent: int = 0

    async def run(self) -> None:
        """Send until asked to stop."""
        while not self.stopping:
            try:
                if await self.step() < TIMERS_MAX:
                    await self.clock.sleep(self.settings.timer_poll_s)
            except RetryableError as error:
                log.warning("scheduler.interrupted", error_code=error.code, error=str(error)[:200])
                await self.clock.sleep(RETRY_S)

    async def step(self) -> int:
        """Send what is due now; gives how many commands were sent."""
        now = self.clock.now()
        due = await self.store.due_timers(now, TIMERS_MAX)
        if not due:
            return 0
        crash_point("scheduler.before_send")
        await self.sink.send(due, now)
        crash_point("scheduler.sent")
        await self.store.delete_timers(timer.timer_id for timer in due)
        crash_point("scheduler.deleted")
        self.sent += len(due)
        return len(due)
