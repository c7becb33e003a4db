"""How long a worker lets records gather before it takes the next ones (pure).

A batch of one record costs nearly what one of twenty does, in every server that it touches.  So a
worker that is not behind rests for as long as its last batch took: the busier the machine is, the
fuller batches get.  Four workers rest four times as long, or they would make four times as many.
"""

from collections.abc import Iterable
from typing import Final

from danbao.kernel.messages import TopicPartition

GATHER_S_MAX: Final = 0.02
"""A worker that is alone gathers for at most so long."""


def gather_s(took_s: float, claimed: Iterable[TopicPartition], partitions: int) -> float:
    """Seconds to rest after a batch that took so long; `partitions` are those of each topic.

    How many workers share the work shows in the share of the partitions that is this one's.
    """
    mine = len({place.partition for place in claimed})
    return min(took_s, GATHER_S_MAX) * partitions / max(mine, 1)
