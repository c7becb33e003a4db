"""What a command file may say, and what is refused before anything is published."""

import gzip
import io
import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from danbao.publisher.commandfile import CommandFileError, Line, parse_lines, read_command_file

ID = "4d6b0903-f079-497d-83a5-2c769381eeee"
SAMPLE: dict[str, object] = {
    "id": ID,
    "type": "escrow.create_trade.v1",
    "source": "shop-7",
    "partitionkey": "T-1",
    "data": {"title": "红茶 250g", "n": 1.0},
}


def text(**changes: object) -> bytes:
    """One line: the sample, changed; a value of `...` leaves the key out."""
    record = {k: v for k, v in (SAMPLE | changes).items() if v is not ...}
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


def parse(*lines: bytes) -> list[Line]:
    return list(parse_lines(lines, "day.jsonl"))


def test_data_stays_the_text_that_the_author_wrote() -> None:
    """The engine judges the original: no number, key or character is rewritten on the way."""
    data = b'{ "b":1.0, "a":"\xe7\xba\xa2", "a":12.50 }'
    head = text(data=...).rstrip(b"}\n")

    [line] = parse(head + b', "data": ' + data + b"}")

    assert line.data == data


def test_a_line_knows_its_envelope() -> None:
    """Every field of the contract's form arrives."""
    [line] = parse(text(after=["a.b.v1", "c.d.v1", "a.b.v1"], actor="buyer:B-7"))

    assert (line.id, line.type, line.source) == (ID, "escrow.create_trade.v1", "shop-7")
    assert (line.partitionkey, line.actor, line.service) == ("T-1", "buyer:B-7", "escrow")
    assert line.after == {"a.b.v1": 2, "c.d.v1": 1}


def test_a_line_without_type_only_waits() -> None:
    """A wait has a flow and a list of events, nothing else is needed."""
    [line] = parse(b'{"partitionkey":"T-1","after":["a.b.v1"]}')

    assert (line.type, line.after) == ("", {"a.b.v1": 1})


def test_empty_lines_are_skipped_and_lines_keep_their_numbers() -> None:
    """An error names the line that an editor shows."""
    assert [line.number for line in parse(text(), b"\n", b"  \n", text())] == [1, 4]


def test_an_id_is_read_as_the_engine_writes_it() -> None:
    """UUIDs in upper case are the same UUIDs; answers carry them in lower case."""
    assert parse(text(id=ID.upper()))[0].id == ID


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (text()[:-3], "truncated"),
        (b"[]\n", "Expected `object`"),
        (text(partition_key="T-1"), "unknown field `partition_key`"),
        (text(partitionkey=...), "missing required field `partitionkey`"),
        (text(partitionkey=""), "`partitionkey` is empty"),
        (text(partitionkey=7), "Expected `str`, got `int`"),
        (text(id=...), "a command needs `id`"),
        (text(id="7"), "is not a UUID"),
        (text(source=..., data=...), "a command needs `source`, `data`"),
        (text(type="create_trade"), "is not like escrow.create_trade.v1"),
        (text(type=...), "`data` without `type`"),
        (text(after="a.b.v1"), "Expected `array`"),
        (text(data={"x": "y" * 65_536}), "at most 65536"),
        (text()[:-2] + b', "partitionkey": "T-2"}', "`partitionkey` is given twice"),
        (text()[:-2] + b', "id": "' + ID.encode() + b'"}', "`id` is given twice"),
        (b"\xff\n", ""),
    ],
)
def test_a_broken_line_is_named_by_file_and_line(line: bytes, why: str) -> None:
    """Whoever wrote the file finds the place at once."""
    with pytest.raises(CommandFileError) as refused:
        parse(text(), line)

    assert (refused.value.file, refused.value.number) == ("day.jsonl", 2)
    assert str(refused.value).startswith("day.jsonl:2: ")
    assert why in refused.value.why


def test_keys_inside_data_are_not_taken_for_keys_of_the_line() -> None:
    """A body may have fields called `id` or `type`, even twice: the engine answers that."""
    [line] = parse(text(data={"id": 1, "type": 2, "source": {"id": 3, "after": [{"id": 4}]}}))

    assert json.loads(line.data)["id"] == 1


def test_plain_packed_and_piped_files_read_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`.jsonl`, `.jsonl.gz` and `-` are the same thing in three wrappings."""
    content = text() + text(actor="seller:M-1")
    (tmp_path / "a.jsonl").write_bytes(content)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(content))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))

    names = [str(tmp_path / "a.jsonl"), str(tmp_path / "a.jsonl.gz"), "-"]

    plain, packed, piped = (list(read_command_file(name)) for name in names)

    assert len(plain) == 2
    for name, lines in zip(names, (plain, packed, piped), strict=True):
        assert [replace(line, file="") for line in lines] == [
            replace(line, file="") for line in plain
        ]
        assert {line.file for line in lines} == {name}


@pytest.mark.parametrize("content", [b"no gzip", gzip.compress(text() * 1_000)[:-20]])
def test_a_damaged_gzip_file_is_an_error_of_that_file(tmp_path: Path, content: bytes) -> None:
    """A half-copied file is refused as a whole."""
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(content)

    with pytest.raises(CommandFileError, match=r"a\.jsonl\.gz"):
        list(read_command_file(path))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (text(data={"a": 1, "b": 2}), text(data={"b": 2, "a": 1}), True),
        (text(data={"a": 1}), text(data={"a": 1.0}), True),
        (text(data={"a": 1}), text(data={"a": True}), False),
        (text(data={"a": "é"}), text(data={"a": "é"}).replace("é".encode(), b"\\u00e9"), True),
        (text(), text(source="shop-8"), True),
        (text(), text(actor="buyer:B-7"), False),
        (text(), text(type="escrow.create_trade.v2"), False),
        (text(), text(partitionkey="T-2"), False),
        (text(data={"a": 2**60}), text(data={"a": 2**60}), True),
        (text(data={"a": 2**60}), text(data={"a": 2**60 + 1}), False),
    ],
)
def test_bodies_are_compared_as_canonical_json(one: bytes, other: bytes, *, same: bool) -> None:
    """The same command in other bytes has one answer, so only one is waited for."""
    first, second = parse(one, other)

    assert first.same_body(second) is same
