"""Postponing: a partition whose next event must not be reacted to yet waits, the others go on."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from danbao.kernel.messages import Offset, Record, TopicPartition
from danbao.kernel.ports import Clock, Source

POSTPONED_S = 0.2
"""How long such a partition waits before its event is tried again."""


@dataclass(slots=True)
class Postponing:
    """Which partitions of one worker wait for another service's event, and until when."""

    source: Source
    clock: Clock
    tries: Counter[TopicPartition] = field(default_factory=Counter)
    """How often each partition has waited."""
    _until: dict[TopicPartition, float] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many wait now."""
        return len(self._until)

    def postpone(self, record: Record) -> None:
        """Read nothing of the record's partition for a while, then go on from it."""
        self.source.hold(record.place, record.offset)
        self.tries[record.place] += 1
        self._until[record.place] = self.clock.monotonic() + POSTPONED_S

    def resume(self, offsets: Mapping[TopicPartition, Offset], now: float) -> None:
        """Read on where the time is over and the partition is still ours."""
        for place in [place for place, until in self._until.items() if until <= now]:
            del self._until[place]
            if offset := offsets.get(place):
                self.source.seek(place, offset.next_offset)

    def forget(self, places: Iterable[TopicPartition]) -> None:
        """Partitions were claimed anew: they are read already."""
        for place in places:
            self._until.pop(place, None)
