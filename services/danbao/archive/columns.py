"""The columns of the archive, and how a slice of the log becomes them (pure).

Postgres writes a slice as CSV and Arrow's own parser reads it: both are compiled, and no row is
ever a Python object.  An empty field is null, an empty text is quoted, as Postgres writes them.
"""

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

HASH = pa.binary(32)
TIME = pa.timestamp("us", "UTC")
SCHEMA = pa.schema(
    [
        pa.field("shard", pa.int16(), nullable=False),
        pa.field("position", pa.int64(), nullable=False),
        pa.field("stream", pa.string(), nullable=False),
        pa.field("version", pa.int32(), nullable=False),
        pa.field("type", pa.string(), nullable=False),
        pa.field("schema_version", pa.int16(), nullable=False),
        pa.field("partition_key", pa.string(), nullable=False),
        pa.field("event_id", pa.string(), nullable=False),
        pa.field("causation_id", pa.string(), nullable=False),
        pa.field("correlation_id", pa.string(), nullable=False),
        pa.field("actor", pa.string()),
        pa.field("traceparent", pa.string()),
        pa.field("recorded_at", TIME, nullable=False),
        pa.field("data", pa.string(), nullable=False),
        pa.field("postings", pa.string()),
        pa.field("row_hash", HASH, nullable=False),
        pa.field("leaf_hash", HASH, nullable=False),
    ]
)
_BLOCK_BYTES = 16 * 1024 * 1024
"""A block must hold the longest row (256 KiB of data) many times over."""
_TEXTS = pa.schema(
    [field.with_type(pa.string()) if field.type == HASH else field for field in SCHEMA]
)


def parse_slice(text: bytes) -> pa.Table:
    """Turn a slice in CSV into columns."""
    if not text:
        return SCHEMA.empty_table()
    table = parse_csv(text, _TEXTS)
    columns = [
        _from_hex(column) if field.type == HASH else column
        for field, column in zip(SCHEMA, table.columns, strict=True)
    ]
    return pa.table(columns, schema=SCHEMA)


def parse_csv(text: bytes, schema: pa.Schema) -> pa.Table:
    """Read CSV as Postgres' COPY writes it, without a header."""
    return csv.read_csv(
        pa.py_buffer(text),
        csv.ReadOptions(column_names=schema.names, block_size=_BLOCK_BYTES),
        csv.ParseOptions(newlines_in_values=True),
        csv.ConvertOptions(
            column_types={field.name: field.type for field in schema},
            null_values=[""],
            true_values=["t"],
            false_values=["f"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def days_of(table: pa.Table) -> list[tuple[str, pa.Table]]:
    """Cut a table by the days (UTC) of its events; the log's times never fall."""
    days = pc.strftime(pc.cast(table["recorded_at"], pa.timestamp("us")), format="%Y-%m-%d")
    counted = pc.value_counts(days.combine_chunks()).to_pylist()
    parts, start = [], 0
    for day in counted:
        parts.append((day["values"], table.slice(start, day["counts"])))
        start += day["counts"]
    return parts


def _from_hex(column: pa.ChunkedArray) -> pa.Array:
    """Turn a column of hexadecimal hashes into bytes, all at once."""
    text = "".join(column.to_pylist())
    buffer = pa.py_buffer(bytes.fromhex(text))
    return pa.FixedSizeBinaryArray.from_buffers(HASH, len(column), [None, buffer])
