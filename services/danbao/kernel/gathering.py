"""How long a worker lets records gather before it takes the next ones (pure).

A batch of one record costs nearly what one of twenty does, in every server that it touches.  So a
worker that is not behind rests after each batch: the busier the machine is, the longer a batch
takes, and the fuller the next one gets.  Four workers rest four times as long, or they would make
four times as many batches.  A worker that answers nobody rests longer still (ADR 17), and longest
one that passes over all that it reads.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from danbao.kernel.messages import TopicPartition

ASKED_S: Final = 1.0
"""A worker that answered no command for so long has nobody waiting for it; one that appended no
event for so long has nothing to do."""
ANSWERS_S_MAX: Final = 0.012
"""A worker whose answers are waited for rests for as long as its batch took, at most so long."""
REACTIONS_TIMES: Final = 5
REACTIONS_S_MAX: Final = 0.1
"""A worker that only reacts rests for so many times as long as its batch took, at most so long."""
PASSED_OVER_TIMES: Final = 20
PASSED_OVER_S_MAX: Final = 0.25
"""So does a worker that does nothing about the events that come."""


@dataclass(slots=True)
class Gathering:
    """When and for how long one worker rests."""

    _took_s: float = 0.0
    _answered_at: float = float("-inf")
    _appended_at: float = float("-inf")

    def did(self, commands: int, events: int, now: float) -> None:
        """Note how many commands a batch has answered, and how many events it has appended."""
        if commands:
            self._answered_at = now
        if events:
            self._appended_at = now

    def took(self, seconds: float, *, is_behind: bool) -> None:
        """Note how long the last records took; a worker that is behind does not rest."""
        self._took_s = 0.0 if is_behind else seconds

    def rest_s(self, now: float, claimed: Iterable[TopicPartition], partitions: int) -> float:
        """Seconds to rest now; `partitions` are those of each topic.

        How many workers share the work shows in the share of the partitions that is this one's.
        """
        mine = len({place.partition for place in claimed})
        workers = partitions / max(mine, 1)
        rest_s = min(self._took_s, ANSWERS_S_MAX) * workers
        if now - self._answered_at < ASKED_S:
            return rest_s
        if now - self._appended_at < ASKED_S:
            return max(rest_s, min(self._took_s * REACTIONS_TIMES, REACTIONS_S_MAX))
        return max(rest_s, min(self._took_s * PASSED_OVER_TIMES, PASSED_OVER_S_MAX))
