"""A worker's partitions: claimed in Postgres, checked against Kafka, advanced batch by batch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from danbao.kernel.errors import (
    LogOlderError,
    OffsetError,
    SequenceHoleError,
    TopicRecreatedError,
    UnavailableError,
)
from danbao.kernel.events import EventReader
from danbao.kernel.ids import record_hash
from danbao.kernel.messages import Offset, Record, TopicPartition, is_events_topic
from danbao.kernel.ports import Source, Store

PATIENCE = 20
"""A broker that was killed shows less than it has while it recovers: ask so often before giving up.
"""


def anchor_of(record: Record) -> bytes:
    """Hash of a record, by which a recreated topic is told from the one it was."""
    headers = b"\x1f".join(name.encode() + b"=" + (value or b"") for name, value in record.headers)
    return record_hash(record.key, record.value, headers)


@dataclass(slots=True)
class Progress:
    """How far one worker has read each of its partitions."""

    service: str
    store: Store
    source: Source
    reader: EventReader
    offsets: dict[TopicPartition, Offset] = field(default_factory=dict)
    parked: dict[TopicPartition, set[str]] = field(default_factory=dict)
    seen: int = 0
    """The last position of the log that this worker knows of."""
    _anchors: dict[TopicPartition, Offset] = field(default_factory=dict)
    _short_of_end: int = 0

    async def claim(self, places: Iterable[TopicPartition]) -> None:
        """Take partitions over and go on where their last owners stopped.

        Raises:
            OffsetError: a stored offset does not fit its topic.
        """
        for place, (begin, end) in sorted((await self.source.bounds(places)).items()):
            await self._claim(place, begin, end)
        self._short_of_end = 0

    async def _claim(self, place: TopicPartition, begin: int, end: int) -> None:
        offset = await self.store.claim(self.service, place, begin)
        if offset.next_offset > end and self._short_of_end < PATIENCE:
            self._short_of_end += 1
            raise UnavailableError(f"{place.topic}/{place.partition} ends at {end} so far")
        if not begin <= offset.next_offset <= end:
            raise OffsetError(
                f"{place.topic}/{place.partition}: next offset {offset.next_offset} is not within "
                f"{begin}..{end} of the topic",
                place=place,
            )
        self.offsets[place] = offset
        await self.read_parked(place)
        self._anchors.pop(place, None)
        start = offset.next_offset
        if offset.anchor_offset is not None and offset.anchor_offset >= begin:
            self._anchors[place] = offset
            start = offset.anchor_offset
        self.source.seek(place, start)

    async def read_parked(self, place: TopicPartition) -> None:
        """Read which flows of a partition wait for an operator."""
        self.parked[place] = set()
        if is_events_topic(place):
            self.parked[place] = await self.store.parked_flows(self.service, place)

    def check_stored(self, place: TopicPartition, stored: Offset) -> None:
        """Compare what Postgres says with what this worker committed.

        Raises:
            LogOlderError: Postgres has forgotten a commit: it was restored to an earlier point.
        """
        mine = self.offsets.get(place)
        if mine is not None and (stored.epoch, stored.next_offset) < (mine.epoch, mine.next_offset):
            raise LogOlderError(
                f"{place.topic}/{place.partition}: Postgres says offset {stored.next_offset} in "
                f"epoch {stored.epoch}, but {mine.next_offset} was committed in {mine.epoch}"
            )

    def check_position(self, position: int, rows: int, sequence: int) -> int:
        """Check a batch before it commits: rows go to the end of the log that everybody knows.

        Gives the position that is known once it is committed.

        Raises:
            LogOlderError: the log is shorter than what was read from it or written to it.
        """
        known = max(self.seen, sequence)
        if not rows:
            return known
        if position - rows < known:
            raise LogOlderError(f"the log ends at position {position - rows}, but {known} is known")
        return position

    def drop_foreign(self) -> None:
        """Forget partitions that are no longer this worker's."""
        assigned = self.source.assigned()
        for place in [place for place in self.offsets if place not in assigned]:
            del self.offsets[place]

    def unchecked(self) -> int:
        """How many partitions have not yet shown the record that was handled last."""
        return sum(place in self.offsets for place in tuple(self._anchors))

    def is_new(self, record: Record) -> bool:
        """Tell whether a record is still to be handled; checks the anchor on the way.

        Raises:
            OffsetError: the topic is not the one that was read before.
        """
        offset = self.offsets.get(record.place)
        if offset is None:
            return False
        anchor = self._anchors.pop(record.place, None) if self._anchors else None
        if anchor is not None and (
            record.offset != anchor.anchor_offset or anchor_of(record) != anchor.anchor
        ):
            raise TopicRecreatedError(
                f"{record.place.topic}/{record.place.partition}: the record at offset "
                f"{anchor.anchor_offset} is not the one that was handled: the topic was recreated",
                place=record.place,
            )
        return record.offset >= offset.next_offset

    def sequence_of(
        self, record: Record, headers: Mapping[str, bytes], last_sequence: int
    ) -> int | None:
        """Position of an event record; None when it was handled before.

        Raises:
            SequenceHoleError: an event of this partition is missing.
        """
        sequence, previous = self.reader.sequence(headers)
        if sequence <= last_sequence:
            return None
        if previous != last_sequence:
            raise SequenceHoleError(
                f"{record.place.topic}/{record.place.partition} offset {record.offset}: position "
                f"{sequence} follows {previous}, but {last_sequence} was read last",
                place=record.place,
            )
        return sequence


def advance(offset: Offset, record: Record, sequence: int) -> Offset:
    """The offset once a record is handled."""
    return replace(
        offset,
        next_offset=record.offset + 1,
        last_sequence=sequence,
        anchor_offset=record.offset,
        anchor=anchor_of(record),
    )
