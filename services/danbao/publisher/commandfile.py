"""Command files: one JSON object a line, a command to publish or a wait (contract, Envelope).

`.jsonl`, `.jsonl.gz`, or `-` for standard input.  A broken line is an error that names file and
line, before anything is published: half a file must never go out because its end is damaged.
`data` stays the text it was, so that the engine judges what the author wrote and not a copy.
"""

import gzip
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import rfc8785

COMMAND_BYTES_MAX: Final = 65_536
"""A larger command is never answered (the engine sets it aside), so it is refused here."""
STANDARD_INPUT: Final = "-"

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TYPE = re.compile(r"[a-z][a-z0-9_]*(?:\.[A-Za-z0-9_]+)+")
_KEYS = tuple(f'"{key}"'.encode() for key in ("id", "type", "source", "partitionkey", "after"))
_NOTHING: Mapping[str, int] = {}


class CommandFileError(ValueError):
    """A line of a command file cannot be used."""

    def __init__(self, file: str, number: int, why: str) -> None:
        """Name the place as editors understand it: `file:line`."""
        super().__init__(f"{file}:{number}: {why}" if number else f"{file}: {why}")
        self.file = file
        self.number = number
        self.why = why


class Line(msgspec.Struct, gc=False):
    """One line; without `type` it publishes nothing and only waits for `after`."""

    number: int
    partitionkey: str
    file: str = ""
    id: str = ""
    type: str = ""
    source: str = ""
    data: bytes = b""
    after: Mapping[str, int] = _NOTHING
    """How many events of each type the flow must have seen."""
    actor: str | None = None
    is_repeat: bool = False
    """An earlier line of the flow has the same id and body: no further answer will come."""

    @property
    def service(self) -> str:
        """The service that the command is for."""
        return self.type.split(".", 1)[0]

    def same_body(self, other: "Line") -> bool:
        """Tell whether both are one command to the engine, be it in other bytes (RFC 8785)."""
        if (self.type, self.partitionkey, self.actor) != (
            other.type,
            other.partitionkey,
            other.actor,
        ):
            return False
        return self.data == other.data or _canonical(self.data) == _canonical(other.data)


class _Record(msgspec.Struct, forbid_unknown_fields=True):
    partitionkey: str
    id: str | None = None
    type: str | None = None
    source: str | None = None
    data: msgspec.Raw = msgspec.Raw()  # empty: not there
    after: list[str] = msgspec.field(default_factory=list)
    actor: str | None = None


_DECODER = msgspec.json.Decoder(_Record)


def read_command_file(path: str | Path) -> Iterator[Line]:
    """Read one file, or standard input for `-`.

    Raises:
        CommandFileError: for the first broken line.
        OSError: when the file cannot be opened.
    """
    name = str(path)
    try:
        with _opened(name) as lines:
            yield from parse_lines(lines, name)
    except (EOFError, gzip.BadGzipFile) as error:
        raise CommandFileError(name, 0, f"not a whole gzip file ({error})") from error


def parse_lines(lines: Iterable[bytes], file: str) -> Iterator[Line]:
    """Turn lines into commands and waits; empty lines are skipped.

    Raises:
        CommandFileError: for the first broken line.
    """
    waits: dict[tuple[str, ...], Mapping[str, int]] = {(): _NOTHING}
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            record = _DECODER.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise CommandFileError(file, number, str(error)) from error
        why = _complaint(record) or _double_key(text)
        if why:
            raise CommandFileError(file, number, why)
        after = tuple(record.after)
        yield Line(
            number=number,
            partitionkey=record.partitionkey,
            file=file,
            id=(record.id or "").lower(),  # as the engine writes it when it answers
            type=record.type or "",
            source=record.source or "",
            data=bytes(record.data),
            after=waits.setdefault(after, dict(Counter(after))),
            actor=record.actor,
        )


def _complaint(record: _Record) -> str:
    """Say what is wrong with a line of the right shape; empty when nothing is."""
    if not record.partitionkey:
        return "`partitionkey` is empty"
    if record.type is not None:
        return _command_complaint(record, record.type)
    return "`data` without `type`: a line that only waits has neither" if bytes(record.data) else ""


def _command_complaint(record: _Record, command_type: str) -> str:
    """Say what makes a line no command."""
    given = {"id": record.id is not None, "source": record.source is not None}
    given["data"] = (size := len(bytes(record.data))) > 0
    missing = [f"`{key}`" for key, is_given in given.items() if not is_given]
    if missing:
        return f"a command needs {', '.join(missing)}"
    if not _UUID.fullmatch(record.id or ""):
        return f"`id` {record.id!r} is not a UUID"
    if not _TYPE.fullmatch(command_type):
        return f"`type` {command_type!r} is not like escrow.create_trade.v1"
    if size > COMMAND_BYTES_MAX:
        return f"`data` has {size} bytes, at most {COMMAND_BYTES_MAX} are allowed"
    return ""


def _double_key(text: bytes) -> str:
    """Find a key given twice, which JSON readers resolve each in their own way."""
    if all(text.count(key) <= 1 for key in _KEYS):
        return ""  # the usual line: decided without building anything
    doubled: list[str] = []

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = Counter(key for key, _ in pairs)
        if "partitionkey" in keys:  # the line itself; `data` is the engine's to judge
            doubled.extend(key for key, count in keys.items() if count > 1)
        return {}

    json.loads(text, object_pairs_hook=collect)
    return f"`{doubled[0]}` is given twice" if doubled else ""


def _canonical(data: bytes) -> bytes:
    """Canonical JSON as the engine compares bodies; what has none is compared byte by byte."""
    try:
        return rfc8785.dumps(json.loads(data))
    except (rfc8785.CanonicalizationError, RecursionError):
        return data


@contextmanager
def _opened(name: str) -> Iterator[Iterable[bytes]]:
    """Open a file as binary lines."""
    if name == STANDARD_INPUT:
        yield sys.stdin.buffer
    elif name.endswith(".gz"):
        with gzip.open(name, "rb") as packed:
            yield packed
    else:
        with Path(name).open("rb") as plain:
            yield plain
