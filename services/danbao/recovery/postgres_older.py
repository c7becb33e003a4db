"""`danbao recover postgres-older`: Postgres was restored to an earlier point, Kafka was not.

What the log lost is in the events topics, record by record, each with all that its log row had.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from uuid import UUID

import asyncpg

from danbao.contracts.catalogue import SERVICES
from danbao.kernel.batch import BODY_LOST
from danbao.kernel.errors import HistoryForkedError, KafkaLostError, StopError
from danbao.kernel.ids import event_id
from danbao.kernel.messages import LogRow, TopicPartition
from danbao.kernel.records import row_of
from danbao.kernel.settings import Settings
from danbao.kernel.topics import check_topics, events_topic
from danbao.recovery.bodies import ImportedAnswer, find_answers, find_bodies
from danbao.recovery.compare import Comparison, compare_topics
from danbao.recovery.handled import Handled, apply_letters, find_handled
from danbao.recovery.importer import chunks, import_chunk
from danbao.recovery.kafka_lost import Tell
from danbao.recovery.offsets import (
    EPOCH_STEP,
    Misfit,
    Move,
    Standing,
    apply_moves,
    find_misfits,
    read_standings,
)
from danbao.recovery.quiet import Q


class TailIncompleteError(StopError):
    """The events topics do not have every position after the log's end."""

    code = "tail_incomplete"
    todo = (
        "A newer backup of either server may have it. To go on without: `--until` the position "
        "before the gap, then `danbao recover kafka-lost --log-wins`."
    )


@dataclass(slots=True)
class Tail:
    """What is to come back."""

    head: int
    incarnation: UUID
    rows: list[LogRow] = field(default_factory=list)
    answers: list[ImportedAnswer] = field(default_factory=list)
    handled: Handled = field(default_factory=Handled)
    misfits: list[Misfit] = field(default_factory=list)
    """Command partitions whose unread records were deleted since."""

    @property
    def unknown_bodies(self) -> list[str]:
        """Commands that were answered, and whose bodies nobody has any more."""
        return [each.message_id for each in self.answers if each.body.sha256 == BODY_LOST]


async def find_tail(
    connection: asyncpg.Connection, settings: Settings, tell: Tell, until: int | None
) -> Tail:
    """Read everything that the log has not, and check that it follows on the log.

    Raises:
        HistoryForkedError: log and topics differ where both have a position.
        TailIncompleteError: positions are missing.
        KafkaLostError: Kafka lost something too.
        SetupError: topics are not as they were made.
        UnavailableError: a server does not answer.
    """
    bootstrap = settings.kafka_bootstrap
    recorded = {row["topic"]: row["partitions"] for row in await connection.fetch(Q["topics"])}
    await check_topics(bootstrap, recorded)
    partitions = next(iter(recorded.values()), settings.partitions)
    head = await connection.fetchrow(Q["head"])
    assert head is not None
    places = [TopicPartition(events_topic(s), n) for s in SERVICES for n in range(partitions)]
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        tell("comparing the events topics with the log", done, 0)

    compared = await compare_topics(connection, bootstrap, places, partitions, count)
    tail = Tail(head["position"], UUID(str(head["incarnation"])))
    tail.rows = _rows_of(compared, until)
    _check_ids(tail)
    _check_times(tail.rows, head)
    _check_complete(compared, tail)
    standings = await read_standings(connection)
    tail.misfits = await _command_misfits(bootstrap, standings)
    tail.handled = await find_handled(connection, bootstrap, standings, tail.rows)
    bodies = await find_bodies(connection, bootstrap, standings, settings.command_bytes_max)
    tail.answers = find_answers(tail.rows, bodies, await _causes(connection, tail.rows))
    return tail


def _rows_of(compared: Comparison, until: int | None) -> list[LogRow]:
    """Rows of the records beyond the log's end.

    Raises:
        HistoryForkedError: one of them, or one before, is not of this log.
    """
    if different := compared.difference:
        place = different.place
        raise HistoryForkedError(
            f"from position {different.position} on there are two histories: in {place.topic}/"
            f"{place.partition}@{different.offset} {different.what} than in the log",
            todo="Nothing was changed. Find out which one is true; see the how-to.",
        )
    wanted = [at for at in sorted(compared.beyond) if until is None or at <= until]
    rows = []
    for position in wanted:
        try:
            rows.append(row_of(compared.beyond[position]))
        except (LookupError, ValueError) as error:
            message = f"position {position}: the record does not carry its log row: {error!r}"
            raise HistoryForkedError(message) from error
    return rows


def _check_ids(tail: Tail) -> None:
    for row in tail.rows:
        if row.event_id != event_id(tail.incarnation.bytes, row.stream, row.version):
            raise HistoryForkedError(
                f"position {row.position} is of another log: its id does not come from incarnation "
                f"{tail.incarnation}",
                todo="Nothing was changed. This Kafka belongs to another Postgres.",
            )


def _check_times(rows: Sequence[LogRow], head: asyncpg.Record) -> None:
    if rows and rows[0].recorded_at < head["recorded_at"]:
        raise HistoryForkedError(f"position {rows[0].position} is older than the log's end")
    for before, after in pairwise(rows):
        if after.recorded_at < before.recorded_at:
            raise HistoryForkedError(f"position {after.position} is older than the one before it")


def _check_complete(compared: Comparison, tail: Tail) -> None:
    have = {row.position for row in tail.rows}
    end = max(have, default=tail.head)
    if gaps := ranges([at for at in range(tail.head + 1, end + 1) if at not in have]):
        raise TailIncompleteError(f"no events topic has these positions: {', '.join(gaps)}")
    for place, problem in sorted(compared.problems.items()):
        raise KafkaLostError(f"{place.topic}/{place.partition}: {problem}")


def ranges(numbers: Sequence[int]) -> list[str]:
    """Numbers as `5` and `7-9`."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return [str(a) if a == b else f"{a}-{b}" for a, b in found]


async def _command_misfits(bootstrap: str, standings: Sequence[Standing]) -> list[Misfit]:
    """Command partitions where unread records are gone; anything else is no case for this tool.

    Raises:
        KafkaLostError: a topic is not the one that was read.
    """
    misfits = await find_misfits(bootstrap, standings)
    for misfit in misfits:
        place = misfit.standing.place
        if misfit.lost is None or place.topic.endswith(".events"):
            raise KafkaLostError(f"{place.topic}/{place.partition}: {misfit.problem}")
    return misfits


async def _causes(connection: asyncpg.Connection, rows: Sequence[LogRow]) -> set[str]:
    """Ids of events, in the log or in the tail, that rows of the tail are caused by."""
    wanted = [row.causation_id for row in rows]
    found = {str(row[0]) for row in await connection.fetch(Q["events_among"], wanted)}
    return found | {row.event_id for row in rows}


async def bring_back(connection: asyncpg.Connection, tail: Tail, tell: Tell) -> None:
    """Let services go on where they were, and import the tail; may be killed and run again.

    Raises:
        HistoryForkedError: a row is not what follows on the log.
    """
    moves = [
        *tail.handled.moves,
        *(Move(m.standing.service, m.standing.place, m.begin) for m in tail.misfits),
    ]
    async with connection.transaction():
        await connection.execute(Q["raise_epochs"], EPOCH_STEP)
        await apply_moves(connection, moves)
        await apply_letters(connection, tail.handled)
    answers = {answer.last_position: answer for answer in tail.answers}
    done = 0
    for rows in chunks(tail.rows):
        await import_chunk(connection, tail.incarnation, rows, answers)
        done += len(rows)
        tell("importing the tail", done, len(tail.rows))
