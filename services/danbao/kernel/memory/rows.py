"""Rows of the store in memory: how they stand in the log, and what no column can hold."""

from datetime import datetime
from typing import TypeVar

from danbao.kernel.errors import RefusedError
from danbao.kernel.memory.tables import SHARD, Tables
from danbao.kernel.messages import KeptLetter, LogRow, Row, TopicPartition

Text = TypeVar("Text", str, str | None)


def log_row(row: Row, position: int, recorded_at: datetime) -> LogRow:
    """The row as it stands in the log."""
    return LogRow(
        shard=SHARD,
        position=position,
        stream=storable(row.stream),
        version=row.version,
        type=row.type,
        schema_version=row.schema_version,
        partition_key=storable(row.partition_key),
        event_id=row.event_id,
        causation_id=row.causation_id,
        correlation_id=storable(row.correlation_id),
        actor=storable(row.actor),
        traceparent=row.traceparent,
        recorded_at=recorded_at,
        data=row.data,
        postings=row.postings,
    )


def storable(text: Text) -> Text:
    """Refuse what Postgres cannot keep as text."""
    if text is None:
        return text
    if "\x00" in text:
        raise RefusedError("U+0000 cannot be stored")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RefusedError("a lone surrogate cannot be stored") from error
    return text


def kept_letters(
    tables: Tables, service: str, place: TopicPartition, flow: str | None
) -> list[KeptLetter]:
    """Dead letters: of a flow all that are not settled, else those that somebody wants retried."""
    return [
        KeptLetter(
            stored.id,
            stored.letter.record,
            stored.letter.reason,
            is_requested=stored.state == "requested",
        )
        for (name, where, _), stored in tables.letters.items()
        if (name, where) == (service, place)
        and not stored.is_settled
        and (stored.state == "requested" if flow is None else stored.letter.partition_key == flow)
    ]
