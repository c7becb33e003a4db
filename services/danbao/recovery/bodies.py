"""The commands behind imported answers: their bodies are in the command topics, if anywhere."""

from collections.abc import Mapping, Sequence

import asyncpg
import msgspec
import rfc8785

from danbao.contracts.catalogue import service_of
from danbao.contracts.rejection import CommandRejected, RejectionCode
from danbao.kernel.batch import BODY_LOST
from danbao.kernel.commands import read_command
from danbao.kernel.events import decode_event
from danbao.kernel.ids import reuse_id
from danbao.kernel.letters import to_kept_letter
from danbao.kernel.messages import CommandBody, LogRow, Message, Record, TopicPartition
from danbao.kernel.topics import commands_topic
from danbao.recovery.offsets import Standing
from danbao.recovery.quiet import Q
from danbao.recovery.reading import bounds_of, reader_of, records_from


class ImportedAnswer(msgspec.Struct):
    """An inbox row that comes back: a command, and the block of events that answer it."""

    message_id: str
    first: LogRow
    last_position: int
    body: CommandBody
    actor: str | None


async def find_bodies(
    connection: asyncpg.Connection,
    bootstrap: str,
    standings: Sequence[Standing],
    bytes_max: int,
) -> dict[str, list[Message]]:
    """Read every command that was not answered in the backup, by its id.

    Raises:
        UnavailableError: Kafka does not answer.
    """
    found: dict[str, list[Message]] = {}

    def take(record: Record, service: str) -> None:
        read = read_command(record, service, bytes_max)
        if isinstance(read, Message):
            found.setdefault(read.cause.id, []).append(read)

    for row in await connection.fetch(Q["waiting_commands"]):
        place = TopicPartition(row["topic"], row["partition"])
        take(to_kept_letter(place, row).record, row["service"])
    read_to = {
        s.place: s.offset.next_offset
        for s in standings
        if s.place.topic == commands_topic(s.service)
    }
    async with reader_of(bootstrap, list(read_to)) as consumer:
        bounds = await bounds_of(bootstrap, consumer, list(read_to))
        starts = {place: max(begin, read_to[place]) for place, (begin, _) in bounds.items()}
        ends = {place: end for place, (_, end) in bounds.items()}
        async for records in records_from(consumer, starts, ends):
            for record in records:
                take(record, record.place.topic.split(".")[1])
    return found


def find_answers(
    rows: Sequence[LogRow], bodies: Mapping[str, Sequence[Message]], events: set[str]
) -> list[ImportedAnswer]:
    """Find the commands that rows answer: their causes, as far as those are no events.

    `events` are the ids of all events that these rows may be caused by.
    """
    reused = {row.stream for row in rows if row.stream.startswith("rejection/")}
    answers: dict[str, ImportedAnswer] = {}
    for row in rows:
        name = row.causation_id
        if name in events or _is_reuse(row):
            continue
        if name in answers:
            answers[name].last_position = row.position
            continue
        body, actor = _body_of(row, bodies.get(name, ()), reused)
        answers[name] = ImportedAnswer(name, row, row.position, body, actor)
    return list(answers.values())


def _is_reuse(row: LogRow) -> bool:
    """A refusal of another body under an id that is taken is no answer to the first."""
    if not row.stream.startswith("rejection/"):
        return False
    event = decode_event(row.type, row.data)
    assert isinstance(event, CommandRejected)
    return event.code is RejectionCode.COMMAND_ID_REUSED


def _body_of(
    row: LogRow, candidates: Sequence[Message], reused: set[str]
) -> tuple[CommandBody, str | None]:
    """The body that was answered: the first that was not refused as another one."""
    for message in candidates:
        body = message.command
        if body is None or service_of(row.type) != message.record.place.topic.split(".")[1]:
            continue
        if f"rejection/{reuse_id(row.causation_id, body.sha256)}" not in reused:
            return body, message.cause.actor
    event = decode_event(row.type, row.data)
    known = event.command_type if isinstance(event, CommandRejected) else ""
    text = rfc8785.dumps(
        {"actor": row.actor, "data": None, "partitionkey": row.partition_key, "type": known}
    )
    return CommandBody(known, text.decode(), BODY_LOST), row.actor
