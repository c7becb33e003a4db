"""Rows of Postgres as values of the kernel."""

import asyncpg

from danbao.kernel.messages import LogRow, Offset


def to_offset(row: asyncpg.Record) -> Offset:
    """An offset row as a value."""
    return Offset(
        epoch=row["epoch"],
        next_offset=row["next_offset"],
        last_sequence=row["last_sequence"],
        anchor_offset=row["anchor_offset"],
        anchor=row["anchor"],
    )


def to_log_row(row: asyncpg.Record) -> LogRow:
    """A row of the log as a value."""
    return LogRow(
        shard=row["shard"],
        position=row["position"],
        stream=row["stream"],
        version=row["version"],
        type=row["type"],
        schema_version=row["schema_version"],
        partition_key=row["partition_key"],
        event_id=str(row["event_id"]),
        causation_id=str(row["causation_id"]),
        correlation_id=row["correlation_id"],
        actor=row["actor"],
        traceparent=row["traceparent"],
        recorded_at=row["recorded_at"],
        data=row["data"],
        postings=row["postings"],
    )
