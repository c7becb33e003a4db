"""Holding the events topics against the log: record by record, byte for byte."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import asyncpg

from danbao.kernel.history import position_of
from danbao.kernel.messages import LogRow, Record, TopicPartition
from danbao.kernel.postgres.rows import to_log_row
from danbao.kernel.records import event_headers, partition_of, place_of
from danbao.kernel.topics import events_topic
from danbao.recovery.quiet import Q
from danbao.recovery.reading import bounds_of, reader_of, records_from

Progress = Callable[[int], None]


@dataclass(slots=True)
class Difference:
    """The first record at a position that is not what the log says there."""

    position: int
    place: TopicPartition
    offset: int
    what: str


@dataclass(slots=True)
class Comparison:
    """What the events topics hold, beside the log."""

    head: int
    last: dict[TopicPartition, int] = field(default_factory=dict)
    """Position of each partition's last event."""
    problems: dict[TopicPartition, str] = field(default_factory=dict)
    """What is wrong with a partition first; those not named are as the log says."""
    difference: Difference | None = None
    """The lowest position at which topics and log differ in content."""
    beyond: dict[int, Record] = field(default_factory=dict)
    """Events that the log does not have, by position."""
    records: int = 0

    def note(self, place: TopicPartition, problem: str) -> None:
        """Keep the first problem of a partition."""
        self.problems.setdefault(place, problem)


async def compare_topics(
    connection: asyncpg.Connection,
    bootstrap: str,
    places: Collection[TopicPartition],
    partitions: int,
    tell: Progress,
) -> Comparison:
    """Compare everything that these partitions hold with the log.

    Raises:
        UnavailableError: a server does not answer.
    """
    head = await connection.fetchrow(Q["head"])
    assert head is not None
    found = Comparison(head["position"], dict.fromkeys(places, 0))
    async with reader_of(bootstrap, places) as consumer:
        bounds = await bounds_of(bootstrap, consumer, places)
        for place, (begin, _) in bounds.items():
            if begin > 0:
                found.note(place, f"records below offset {begin} were deleted")
        starts = {place: begin for place, (begin, _) in bounds.items()}
        ends = {place: end for place, (_, end) in bounds.items()}
        async for records in records_from(consumer, starts, ends):
            wanted = [position_of(record) for record in records]
            rows = await connection.fetch(Q["rows_at"], wanted)
            log = {row["position"]: to_log_row(row) for row in rows}
            for record in records:
                _take(found, record, log, partitions)
            found.records += len(records)
            tell(len(records))
    expected = await last_published(connection, head["confirmed"], partitions)
    for place in places:
        if found.last[place] < expected.get(place, 0):
            found.note(
                place,
                f"ends at position {found.last[place]}, but {expected[place]} was published there",
            )
    return found


def _take(found: Comparison, record: Record, log: Mapping[int, LogRow], partitions: int) -> None:
    position, previous = position_of(record), found.last[record.place]
    if position <= previous:
        found.note(record.place, f"position {position} follows {previous}")
        return
    found.last[record.place] = position
    headers = dict(record.headers)
    chained = headers.get("ce_prevsequence", b"")
    if chained != str(previous).encode():
        told = chained.decode(errors="replace")
        found.note(record.place, f"position {position} follows {told or 'nothing'}, not {previous}")
    if position > found.head:
        found.beyond[position] = record
        return
    what = difference(record, log[position], partitions)
    if what and (found.difference is None or position < found.difference.position):
        found.difference = Difference(position, record.place, record.offset, what)
    if what:
        found.note(record.place, f"position {position}: {what}")


def difference(record: Record, row: LogRow, partitions: int) -> str:
    """What of a record is not as its log row says; nothing when all is."""
    headers = dict(record.headers)
    previous = headers.get("ce_prevsequence", b"0")
    wanted = dict(event_headers(row, int(previous) if previous.isdigit() else 0))
    if place_of(row, partitions) != record.place:
        return f"it belongs to {place_of(row, partitions).topic}"
    if record.value != row.data.encode() or record.key != row.partition_key.encode():
        return "its data is another"
    for name in wanted.keys() | headers.keys():
        if wanted.get(name) != headers.get(name):
            return f"its {name} is another"
    return ""


async def last_published(
    connection: asyncpg.Connection, confirmed: int, partitions: int
) -> dict[TopicPartition, int]:
    """The last position that each partition must hold, by the log."""
    last: dict[TopicPartition, int] = {}
    for row in await connection.fetch(Q["last_of_flows"], confirmed):
        number = partition_of(row["partition_key"], partitions)
        place = TopicPartition(events_topic(row["service"]), number)
        last[place] = max(last.get(place, 0), row["position"])
    return last
