"""What services had handled after the backup: told by what their events were caused by.

A service reads each partition in order and commits its place with what it decides. So when the
log has an event that a service made because of another one, the service was past that one. Events
before it that should have caused something, and did not, were set aside as dead letters, which
Postgres lost: they are asked for again, and their worker finds out.
"""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg
import msgspec

from danbao.app import SERVICES
from danbao.contracts.catalogue import service_of
from danbao.kernel.events import EventReader
from danbao.kernel.history import position_of
from danbao.kernel.letters import letter_columns
from danbao.kernel.messages import (
    DeadLetter,
    LogRow,
    Message,
    Record,
    TopicPartition,
    is_events_topic,
)
from danbao.kernel.progress import anchor_of
from danbao.recovery.offsets import Move, Standing
from danbao.recovery.quiet import Q
from danbao.recovery.reading import bounds_of, reader_of, records_from

REASON = "effect_unknown"
_headers = msgspec.json.Decoder(list[tuple[str, str]])


@dataclass(slots=True)
class Handled:
    """Where services go on, and what is to be tried again."""

    moves: list[Move] = field(default_factory=list)
    letters: list[tuple[str, DeadLetter]] = field(default_factory=list)
    settled: list[int] = field(default_factory=list)
    """Letters of the backup that were retried after it."""


async def find_handled(
    connection: asyncpg.Connection,
    bootstrap: str,
    standings: Sequence[Standing],
    tail: Sequence[LogRow],
) -> Handled:
    """Find how far services were in the events topics when the last of the tail was written.

    Raises:
        UnavailableError: Kafka does not answer.
    """
    effects: dict[str, set[str]] = {name: set() for name in SERVICES}
    for row in tail:
        effects[service_of(row.type)].add(row.causation_id)
    waiting = [standing for standing in standings if is_events_topic(standing.place)]
    records = await _read_after(bootstrap, waiting)
    handled = Handled()
    for standing in waiting:
        unread = [
            record
            for record in records.get(standing.place, ())
            if record.offset >= standing.offset.next_offset
        ]
        _follow(handled, standing, unread, effects[standing.service])
    for letter in await connection.fetch(Q["unsettled_events"]):
        if _event_id(letter["headers"]) in effects[letter["service"]]:
            handled.settled.append(letter["id"])
    return handled


async def _read_after(
    bootstrap: str, standings: Sequence[Standing]
) -> Mapping[TopicPartition, list[Record]]:
    """Everything in these partitions that some service had not read."""
    starts: dict[TopicPartition, int] = {}
    for standing in standings:
        place, offset = standing.place, standing.offset.next_offset
        starts[place] = min(starts.get(place, offset), offset)
    found: dict[TopicPartition, list[Record]] = {}
    async with reader_of(bootstrap, list(starts)) as consumer:
        bounds = await bounds_of(bootstrap, consumer, list(starts))
        ends = {place: end for place, (_, end) in bounds.items()}
        async for records in records_from(consumer, starts, ends):
            for record in records:
                found.setdefault(record.place, []).append(record)
    return found


def _follow(
    handled: Handled, standing: Standing, unread: Sequence[Record], effects: set[str]
) -> None:
    """Find the last event with an effect, and those before it without one."""
    known = [_id_of(record) in effects for record in unread]
    if True not in known:
        return
    last = len(known) - 1 - known[::-1].index(True)
    record = unread[last]
    handled.moves.append(
        Move(
            standing.service,
            record.place,
            record.offset + 1,
            record.offset,
            anchor_of(record),
            position_of(record),
        )
    )
    reader = EventReader(SERVICES[standing.service])
    went_on: set[bytes | None] = set()
    letters: list[tuple[str, DeadLetter]] = []
    for each, has_effect in zip(
        reversed(unread[: last + 1]), reversed(known[: last + 1]), strict=True
    ):
        if has_effect:
            went_on.add(each.key)
            continue
        read = reader.read(each, dict(each.headers), position_of(each))
        if read is None or (isinstance(read, Message) and each.key in went_on):
            continue
        flow = (each.key or b"").decode(errors="replace")
        detail = "handled, or set aside, after the backup: nothing tells which"
        letters.append((standing.service, DeadLetter(each, REASON, detail, flow)))
    handled.letters += reversed(letters)


async def apply_letters(connection: asyncpg.Connection, handled: Handled) -> None:
    """Ask for what is unsure again, and settle what is done."""
    for service, letter in handled.letters:
        await connection.execute(Q["request_again"], *letter_columns(service, letter))
    await connection.execute(Q["settle_letters"], handled.settled)


def _id_of(record: Record) -> str:
    return dict(record.headers).get("ce_id", b"").decode(errors="replace")


def _event_id(headers: str) -> str:
    """The id of the event of a letter, out of the headers that it keeps."""
    named = dict(_headers.decode(headers))
    return b64decode(named.get("ce_id", "")).decode(errors="replace")
