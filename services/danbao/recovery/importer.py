"""Importing the tail: rows of the log that only Kafka still has, back to where they were.

Each transaction takes a run of whole original transactions: rows at their positions and times, the
states, facts, balances and timers that follow from them, and the inbox rows that they answer. It
may be killed between any two; what was imported is the log's again.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg

from danbao.app import SERVICES
from danbao.contracts.catalogue import service_of
from danbao.contracts.chart import is_guarded
from danbao.contracts.decider import Service
from danbao.kernel.clock import PostgresClock
from danbao.kernel.errors import ConflictError, HistoryForkedError
from danbao.kernel.loaded import Loaded, category_of
from danbao.kernel.loading import load_stream
from danbao.kernel.messages import LogRow, Row, Writes
from danbao.kernel.postgres.unit import PostgresUnit
from danbao.kernel.replay import REJECTIONS, Replay, accounts_of
from danbao.recovery.bodies import ImportedAnswer
from danbao.recovery.quiet import Q

ROWS_MAX = 500


def chunks(rows: Sequence[LogRow]) -> list[list[LogRow]]:
    """Cut rows where an original transaction ends: its rows share one time, and so its answers."""
    cut: list[list[LogRow]] = []
    for row in rows:
        is_inside = bool(cut) and cut[-1][-1].recorded_at == row.recorded_at
        if cut and (is_inside or len(cut[-1]) < ROWS_MAX):
            cut[-1].append(row)
        else:
            cut.append([row])
    return cut


async def import_chunk(
    connection: asyncpg.Connection,
    incarnation: UUID,
    rows: Sequence[LogRow],
    answers: Mapping[int, ImportedAnswer],
) -> None:
    """Import rows in one transaction; `answers` are theirs, by the last position of each.

    Raises:
        HistoryForkedError: a row is not what follows here.
        ConflictError: somebody else writes the log.
    """
    async with connection.transaction():
        unit = PostgresUnit(connection, frozenset(), PostgresClock())
        replays = await _load(unit, incarnation, rows)
        kept = [replays[service_of(row.type)].take(row) for row in rows]
        await unit.write("recovery", _together([replay.finish() for replay in replays.values()]))
        ended = [answers[row.position] for row in rows if row.position in answers]
        await _append(connection, incarnation, rows, kept, ended)


async def _load(unit: PostgresUnit, incarnation: UUID, rows: Sequence[LogRow]) -> dict[str, Replay]:
    """Lock what the rows change, in the order of every unit: streams, then balances."""
    now = rows[-1].recorded_at
    replays: dict[str, Replay] = {}
    loads: dict[str, Loaded] = {}
    for name in sorted({service_of(row.type) for row in rows}):
        service = _service(name, rows)
        loads[name] = Loaded()
        replays[name] = Replay(service, loads[name], incarnation, now)
    owners = {row.stream: service_of(row.type) for row in rows}
    streams = {stream for stream in owners if category_of(stream) != REJECTIONS}
    for stream, stored in (await unit.lock_streams(streams)).items():
        owner = owners[stream]
        decider = SERVICES[owner].decider_for(category_of(stream))
        loads[owner].streams[stream] = await load_stream(unit, decider, stream, stored)
    guarded = {account for row in rows for account in accounts_of(row) if is_guarded(account[0])}
    balances = await unit.lock_balances(guarded)
    for loaded in loads.values():
        loaded.balances = balances  # one for all: what one service credits another may debit
    return replays


def _service(name: str, rows: Sequence[LogRow]) -> Service:
    try:
        return SERVICES[name]
    except KeyError as error:
        position = next(row.position for row in rows if service_of(row.type) == name)
        message = f"position {position} is of a service that this code does not know: {name}"
        raise HistoryForkedError(message, todo="Recover with the version that wrote it.") from error


def _together(parts: Sequence[Writes]) -> Writes:
    """All that changes beside the log, of all services at once."""
    writes = parts[0]
    for part in parts[1:]:
        writes.states += part.states
        writes.unused_streams += part.unused_streams
        writes.facts |= part.facts
        for key, change in part.balances.items():
            writes.balances[key] = writes.balances.get(key, 0) + change
        writes.timers_set |= part.timers_set
        writes.timers_cancelled |= part.timers_cancelled
    writes.rows = []
    return writes


async def _append(
    connection: asyncpg.Connection,
    incarnation: UUID,
    rows: Sequence[LogRow],
    kept: Sequence[Row],
    answers: Sequence[ImportedAnswer],
) -> None:
    answered: list[tuple[object, ...]] = [
        (
            answer.message_id,
            answer.body.sha256,
            service_of(answer.first.type),
            answer.body.type,
            answer.first.partition_key,
            answer.actor,
            answer.body.text,
            answer.first.position,
            answer.last_position,
        )
        for answer in answers
    ]
    columns: list[tuple[object, ...]] = [
        (
            row.position,
            row.stream,
            row.version,
            row.type,
            row.schema_version,
            row.partition_key,
            row.event_id,
            row.causation_id,
            row.correlation_id,
            row.actor,
            row.traceparent,
            row.recorded_at,
            row.data,
            row.postings,
            made.row_hash,
        )
        for row, made in zip(rows, kept, strict=True)
    ]
    position = await connection.fetchval(
        Q["import_rows"],
        len(rows),
        rows[-1].recorded_at,
        rows[0].position - 1,
        incarnation,
        *_columns(answered, 9),
        *_columns(columns, 15),
    )
    if position != rows[-1].position:
        raise ConflictError(f"the log does not end at position {rows[0].position - 1} any more")


def _columns(rows: Sequence[tuple[object, ...]], width: int) -> list[list[object]]:
    columns = [list(column) for column in zip(*rows, strict=True)]
    return columns or [[] for _ in range(width)]
