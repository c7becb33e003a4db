"""Read models as Arrow tables: brought over in slices by key, never held in one long snapshot.

A row that changes while a large model is read is there once, as it was or as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg
import pyarrow as pa

from danbao.archive.columns import TIME, parse_csv
from danbao.kernel.sql import load_queries

Q = load_queries("danbao.archive", "models.sql")
ROWS_MAX = 50_000
"""Rows in one statement."""
TYPES: Mapping[str, pa.DataType] = {
    "bigint": pa.int64(),
    "integer": pa.int32(),
    "smallint": pa.int16(),
    "boolean": pa.bool_(),
    "timestamp with time zone": TIME,
}
"""How types of Postgres are kept; all others are text."""


@dataclass(frozen=True, slots=True)
class Model:
    """One read model, as the database describes it."""

    name: str
    schema: pa.Schema
    key: tuple[str, ...]
    statement: str


async def known_models(connection: asyncpg.Connection) -> list[Model]:
    """Give the read models that there are."""
    return [
        Model(
            row["model"],
            pa.schema(
                [
                    pa.field(name, TYPES.get(kind, pa.string()))
                    for name, kind in zip(row["names"], row["types"], strict=True)
                ]
            ),
            tuple(row["key"]),
            row["statement"],
        )
        for row in await connection.fetch(Q["models"], ROWS_MAX)
    ]


async def read_model(connection: asyncpg.Connection, model: Model) -> pa.Table:
    """Bring one read model over."""
    parts: list[pa.Table] = []
    last: list[str] | None = None
    while True:
        texts: list[bytes] = []

        async def take(part: bytes, into: list[bytes] = texts) -> None:
            into.append(part)

        await connection.copy_from_query(model.statement, last, output=take, format="csv")
        if not texts:
            break
        part = parse_csv(b"".join(texts), model.schema)
        parts.append(part)
        if len(part) < ROWS_MAX:
            break
        last = [str(part[name][-1].as_py()) for name in model.key]
    return pa.concat_tables(parts) if parts else model.schema.empty_table()
