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
    """A row of the log as a value: its columns are the fields in their order, ids as text."""
    return LogRow(*row)  # by name it takes four times as long
