"""Making proofs: rows of the log, their paths, and the signed checkpoint that they lead to.

Every proof is checked as a stranger would before it is given out, so a log that is not what was
signed gives none.  The leaves are read once from the first on, in slices; the log may grow
meanwhile.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import asyncpg

from danbao.analysis.log_pages import read_events
from danbao.analysis.wanted import Wanted
from danbao.kernel.messages import LogRow
from danbao.kernel.sql import load_queries
from danbao.proofs.checkpoint import Checkpoint, peek_checkpoint
from danbao.proofs.consistency import consistency_stretches
from danbao.proofs.document import (
    FORMAT,
    ConsistencyProof,
    EventProof,
    Proof,
    ProvedEvent,
    TradeProof,
    check_proof,
    time_text,
)
from danbao.proofs.errors import MalformedError, ProofError, UnknownKeyError
from danbao.proofs.inclusion import inclusion_stretches
from danbao.proofs.note import PublicKey
from danbao.proofs.tree import Gatherer, Stretch
from danbao.verification.errors import (
    CheckpointUnknownError,
    LogChangedError,
    NotSignedYetError,
    PositionUnknownError,
    SignerUnknownError,
    TradeUnknownError,
)

SLICE_LEAVES = 20_000
Q = load_queries("danbao.verification", "proving.sql")

Made = TypeVar("Made", bound=Proof)
Report = Callable[[int, int], None]
"""Told how many leaves are read, of how many."""


async def prove_event(
    connection: asyncpg.Connection, position: int, keys: Sequence[PublicKey], report: Report
) -> EventProof:
    """Prove that one event is in the log.

    Raises:
        PositionUnknownError: the log does not go so far.
        NotSignedYetError: no checkpoint covers it.
        LogChangedError: the log is not what was signed.
    """
    head = await connection.fetchval(Q["head"])
    if not 1 <= position <= head:
        raise PositionUnknownError(f"the log has positions 1 to {head}, not {position}")
    note = await _newest(connection, position)
    rows = [row async for row in read_events(connection, Wanted(), position - 1, position)]
    events = await _prove(connection, rows, note, report)
    return _checked(EventProof(FORMAT, position, events, note), keys)


async def prove_trade(
    connection: asyncpg.Connection, trade_id: str, keys: Sequence[PublicKey], report: Report
) -> TradeProof:
    """Prove all events of one trade's flow.

    Raises:
        TradeUnknownError: there is no such trade.
        NotSignedYetError: no checkpoint covers its last event.
        LogChangedError: the log is not what was signed.
    """
    head = await connection.fetchval(Q["head"])
    rows = [row async for row in read_events(connection, Wanted(flow=trade_id), 0, head)]
    if not any(row.stream == f"trade/{trade_id}" for row in rows):
        raise TradeUnknownError(f"there is no trade {trade_id}")
    note = await _newest(connection, rows[-1].position)
    events = await _prove(connection, rows, note, report)
    return _checked(TradeProof(FORMAT, trade_id, events, note), keys)


async def prove_consistency(
    connection: asyncpg.Connection,
    old: int | str,
    new: int | None,
    keys: Sequence[PublicKey],
    report: Report,
) -> ConsistencyProof:
    """Prove that the log of one checkpoint continues that of another.

    `old` is the size of a checkpoint that was kept, or the note of one that was given away; `new`
    is a size, or None for the newest.

    Raises:
        CheckpointUnknownError: there is no such checkpoint.
        LogChangedError: it does not continue it.
    """
    old_note = old if isinstance(old, str) else await _of_size(connection, old)
    new_note = await _newest(connection, 0) if new is None else await _of_size(connection, new)
    try:
        first, second = peek_checkpoint(old_note), peek_checkpoint(new_note)
    except MalformedError as error:
        raise CheckpointUnknownError(f"no checkpoint: {error}") from error
    if first.size > second.size:
        raise CheckpointUnknownError(
            f"a log of {second.size} events cannot continue one of {first.size}"
        )
    stretches = consistency_stretches(first.size, second.size)
    found = await _gather(connection, stretches, second, report)
    path = tuple(found[stretch].hex() for stretch in stretches)
    return _checked(ConsistencyProof(FORMAT, old_note, new_note, path), keys)


async def _newest(connection: asyncpg.Connection, position: int) -> str:
    row = await connection.fetchrow(Q["newest"], position)
    if row is None:
        raise NotSignedYetError(f"no checkpoint covers position {position} yet")
    return str(row["note"])


async def _of_size(connection: asyncpg.Connection, size: int) -> str:
    note = await connection.fetchval(Q["of_size"], size)
    if note is None:
        near = " and ".join(str(row[0]) for row in await connection.fetch(Q["nearest"], size))
        raise CheckpointUnknownError(
            f"no checkpoint of {size} events was signed", todo=f"The nearest: {near or 'none'}."
        )
    return str(note)


async def _prove(
    connection: asyncpg.Connection, rows: Sequence[LogRow], note: str, report: Report
) -> tuple[ProvedEvent, ...]:
    """Give rows with their paths."""
    checkpoint = peek_checkpoint(note)
    stretches = {
        row.position: inclusion_stretches(row.position - 1, checkpoint.size) for row in rows
    }
    wanted = [stretch for each in stretches.values() for stretch in each]
    found = await _gather(connection, wanted, checkpoint, report)
    return tuple(
        _event(row, [found[stretch] for stretch in stretches[row.position]]) for row in rows
    )


async def _gather(
    connection: asyncpg.Connection,
    stretches: Sequence[Stretch],
    checkpoint: Checkpoint,
    report: Report,
) -> dict[Stretch, bytes]:
    """Read the leaves of a checkpoint, and keep the nodes that paths are made of.

    Raises:
        LogChangedError: they are not those that were signed.
    """
    gatherer = Gatherer(stretches)
    while gatherer.size < checkpoint.size:
        upto = min(gatherer.size + SLICE_LEAVES, checkpoint.size)
        rows = await connection.fetch(Q["leaves"], gatherer.size, upto)
        if len(rows) != upto - gatherer.size:
            raise LogChangedError(f"positions are missing after {gatherer.size}")
        gatherer.extend(row[0] for row in rows)
        report(gatherer.size, checkpoint.size)
    if gatherer.root() != checkpoint.root:
        raise LogChangedError(f"the first {checkpoint.size} events are not those that were signed")
    return dict(gatherer.hashes())


def _event(row: LogRow, path: Sequence[bytes]) -> ProvedEvent:
    return ProvedEvent(
        shard=row.shard,
        position=row.position,
        recorded_at=time_text(row.recorded_at),
        stream=row.stream,
        version=row.version,
        type=row.type,
        schema_version=row.schema_version,
        partition_key=row.partition_key,
        event_id=row.event_id,
        causation_id=row.causation_id,
        correlation_id=row.correlation_id,
        actor=row.actor,
        data=row.data,
        postings=row.postings,
        path=tuple(node.hex() for node in path),
    )


def _checked(proof: Made, keys: Sequence[PublicKey]) -> Made:
    """Give a proof that holds.

    Raises:
        SignerUnknownError: a key that is not in this home signed the checkpoint.
        LogChangedError: it does not.
    """
    try:
        check_proof(proof, keys)
    except UnknownKeyError as error:
        raise SignerUnknownError(str(error)) from error
    except ProofError as error:
        raise LogChangedError(f"{error.code}: {error}") from error
    return proof
