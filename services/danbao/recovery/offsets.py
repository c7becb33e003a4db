"""Where services stand in their topics: does it still fit, and where must they go on."""

from collections.abc import Callable, Collection, Mapping, Sequence

import asyncpg
import msgspec

from danbao.kernel.history import position_of
from danbao.kernel.messages import Offset, Record, TopicPartition
from danbao.kernel.postgres.rows import to_offset
from danbao.kernel.progress import anchor_of
from danbao.recovery.quiet import Q
from danbao.recovery.reading import bounds_of, reader_of, records_from

EPOCH_STEP = 1_000_000
"""Epochs rise by so much: no worker from before, however long it was frozen, has such a one."""


class Standing(msgspec.Struct, frozen=True):
    """How far one service has read one partition."""

    service: str
    place: TopicPartition
    offset: Offset


class Misfit(msgspec.Struct, frozen=True):
    """A standing that does not fit its topic any more."""

    standing: Standing
    problem: str
    begin: int
    """The first offset that the topic has."""
    lost: int | None = None
    """How many offsets were deleted before they were read; None: nobody can know."""


class Move(msgspec.Struct, frozen=True):
    """Where a service goes on in a partition."""

    service: str
    place: TopicPartition
    next_offset: int
    anchor_offset: int | None = None
    anchor: bytes | None = None
    last_sequence: int | None = None
    """None: it stays as it is."""


async def read_standings(connection: asyncpg.Connection) -> list[Standing]:
    """Read how far all services are."""
    return [
        Standing(row["service"], TopicPartition(row["topic"], row["partition"]), to_offset(row))
        for row in await connection.fetch(Q["offsets"])
    ]


async def find_misfits(bootstrap: str, standings: Sequence[Standing]) -> list[Misfit]:
    """Find standings that their topics, all of which must exist, do not bear out.

    Raises:
        UnavailableError: Kafka does not answer.
    """
    places = sorted({standing.place for standing in standings})
    misfits: list[Misfit] = []
    async with reader_of(bootstrap, places) as consumer:
        bounds = await bounds_of(bootstrap, consumer, places)
        anchors: dict[TopicPartition, set[int]] = {}
        for standing in standings:
            begin, end = bounds[standing.place]
            offset = standing.offset
            if misfit := _out_of_bounds(standing, begin, end):
                misfits.append(misfit)
            elif offset.anchor_offset is not None and offset.anchor_offset >= begin:
                anchors.setdefault(standing.place, set()).add(offset.anchor_offset)
        hashes: dict[tuple[TopicPartition, int], bytes] = {}
        while anchors:  # services stand at different places of one partition: one after the other
            starts = {place: offsets.pop() for place, offsets in anchors.items()}
            anchors = {place: offsets for place, offsets in anchors.items() if offsets}
            ends = {place: start + 1 for place, start in starts.items()}
            async for records in records_from(consumer, starts, ends):
                for record in records:
                    hashes[record.place, record.offset] = anchor_of(record)
    for standing in standings:
        begin, end = bounds[standing.place]
        offset = standing.offset
        if _out_of_bounds(standing, begin, end) or offset.anchor_offset is None:
            continue
        found = hashes.get((standing.place, offset.anchor_offset))
        if offset.anchor_offset >= begin and found != offset.anchor:
            problem = f"the record at offset {offset.anchor_offset} is not the one that was handled"
            misfits.append(Misfit(standing, problem, begin))
    return misfits


def _out_of_bounds(standing: Standing, begin: int, end: int) -> Misfit | None:
    wanted = standing.offset.next_offset
    if wanted > end:
        return Misfit(standing, f"the topic ends at offset {end}, before {wanted}", begin)
    if wanted < begin:
        problem = f"offsets {wanted} to {begin - 1} were deleted before they were read"
        return Misfit(standing, problem, begin, begin - wanted)
    return None


async def find_moves(
    bootstrap: str,
    standings: Sequence[Standing],
    places: Collection[TopicPartition],
    tell: Callable[[int], None],
) -> list[Move]:
    """Find where services go on in events topics that were published anew.

    What a service has handled is known by position, so neither is an event handled again nor
    is one left out.

    Raises:
        LookupError: a topic lacks the last event that a service has handled.
        UnavailableError: Kafka does not answer.
    """
    wanted: dict[tuple[TopicPartition, int], list[str]] = {}
    moves: list[Move] = []
    for standing in standings:
        last = standing.offset.last_sequence
        if last == 0:
            moves.append(Move(standing.service, standing.place, 0))
        else:
            wanted.setdefault((standing.place, last), []).append(standing.service)
    async with reader_of(bootstrap, places) as consumer:
        bounds = await bounds_of(bootstrap, consumer, places)
        starts = {place: begin for place, (begin, _) in bounds.items()}
        ends = {place: end for place, (_, end) in bounds.items()}
        async for records in records_from(consumer, starts, ends):
            for record in records:
                services = wanted.pop((record.place, position_of(record)), ())
                moves.extend(_after(service, record) for service in services)
            tell(len(records))
    if wanted:
        (place, position), handlers = next(iter(wanted.items()))
        where = f"{place.topic}/{place.partition}"
        message = f"{where} lacks position {position}, which {handlers[0]} handled"
        raise LookupError(message)
    return moves


def _after(service: str, record: Record) -> Move:
    return Move(service, record.place, record.offset + 1, record.offset, anchor_of(record))


async def apply_moves(connection: asyncpg.Connection, moves: Sequence[Move]) -> None:
    """Let services go on where they were moved to; earlier owners of a partition are fenced."""
    rows: list[tuple[object, ...]] = [
        (m.service, *m.place, m.next_offset, m.anchor_offset, m.anchor, m.last_sequence)
        for m in moves
    ]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(7)]
    await connection.execute(Q["reset_offsets"], EPOCH_STEP, *columns)


def by_topic(misfits: Sequence[Misfit]) -> Mapping[str, list[Misfit]]:
    """Misfits of each topic."""
    found: dict[str, list[Misfit]] = {}
    for misfit in misfits:
        found.setdefault(misfit.standing.place.topic, []).append(misfit)
    return found
