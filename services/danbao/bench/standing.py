"""How far an engine has come, and what it used on the way."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from danbao.bench.processor import Usage, read_usage
from danbao.engine.record import EngineRecord
from danbao.kernel.sql import load_queries

Q = load_queries("danbao.bench", "standing.sql")


@dataclass(frozen=True, slots=True)
class Standing:
    """Positions in the log; bytes of WAL since the database was made."""

    position: int
    published: int
    projected: int
    wal_bytes: int

    def is_through(self, position: int) -> bool:
        """Tell whether all up to a position is published and in the read models."""
        return min(self.position, self.published, self.projected) >= position


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes on disk: of each table with its indexes, of the whole database, of Kafka's topics."""

    tables: Mapping[str, int] = field(default_factory=dict)
    kafka: int = 0

    def since(self, earlier: "Disk") -> "Disk":
        """What was added between two readings."""
        tables = {name: size - earlier.tables.get(name, 0) for name, size in self.tables.items()}
        return Disk(tables, self.kafka - earlier.kafka)


async def read_standing(connection: asyncpg.Connection) -> Standing:
    """Ask how far everything is."""
    row = await connection.fetchrow(Q["standing"])
    assert row is not None
    return Standing(**dict(row))


async def read_engine_usage(connection: asyncpg.Connection, record: EngineRecord) -> Usage:
    """Ask who works for whom in Postgres, and read every process' time."""
    backends = [(row["pid"], row["client"]) for row in await connection.fetch(Q["backends"])]
    return read_usage(record, backends)


async def read_disk(connection: asyncpg.Connection, home: Path) -> Disk:
    """Ask Postgres for its sizes, and add up the segments of a Kafka that lives in this home."""
    rows = await connection.fetch(Q["sizes"])
    segments = (home / "kafka").rglob("danbao.*/*.log")
    return Disk(
        {row["name"]: row["bytes"] for row in rows}, sum(f.stat().st_size for f in segments)
    )


async def read_counts(connection: asyncpg.Connection) -> dict[str, int]:
    """Count what must agree."""
    row = await connection.fetchrow(Q["counts"])
    assert row is not None
    return {name: int(value or 0) for name, value in row.items()}
