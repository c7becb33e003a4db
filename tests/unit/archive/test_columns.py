"""What Postgres writes is what the archive has."""

from datetime import UTC, datetime

import pyarrow as pa

from danbao.archive.columns import SCHEMA, days_of, parse_csv, parse_slice

LINE = (
    '0,7,trade/T-1,1,escrow.trade_created.v1,1,T-1,e,c,k,{actor},,{time},"{data}",,{hash},{hash}\n'
)


def line(time: str, data: str = '{""a"":1}', actor: str = "") -> bytes:
    return LINE.format(time=time, data=data, actor=actor, hash="ab" * 32).encode()


def test_an_empty_field_is_null_and_an_empty_text_is_not() -> None:
    """An event without an actor is not one of an actor without a name."""
    table = parse_csv(
        b'1,,x\n2,"",y\n', pa.schema([("n", pa.int64()), ("t", pa.string()), ("u", pa.string())])
    )

    assert table["t"].to_pylist() == [None, ""]


def test_texts_are_kept_byte_for_byte() -> None:
    """Quotes, line ends, commas and Chinese are part of the data, and of its hash."""
    data = '{""title"":""a\n""\'茶, …""}'

    table = parse_slice(line("2026-01-05 01:00:00.000001+00", data))

    assert table["data"].to_pylist() == ['{"title":"a\n"\'茶, …"}']
    assert table["recorded_at"].to_pylist() == [datetime(2026, 1, 5, 1, 0, 0, 1, UTC)]
    assert table["row_hash"].to_pylist() == [b"\xab" * 32]
    assert table.schema == SCHEMA


def test_nothing_is_an_empty_table() -> None:
    """A stretch without a wanted event."""
    assert len(parse_slice(b"")) == 0


def test_a_table_is_cut_at_midnight() -> None:
    """A day's file has the day's events, to the microsecond, in UTC."""
    times = ("2026-01-05 23:59:59.999999+00", "2026-01-06 00:00:00+00", "2026-01-06 12:00:00+00")
    table = parse_slice(b"".join(map(line, times)))

    assert [(day, len(part)) for day, part in days_of(table)] == [
        ("2026-01-05", 1),
        ("2026-01-06", 2),
    ]
