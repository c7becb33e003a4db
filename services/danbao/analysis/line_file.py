"""A file of events, one CloudEvent on a line, that can be gone on with after any death.

The file itself says how far it came: its last whole line.  What comes behind that line was being
written when somebody was killed, and is cut off.
"""

import os
from pathlib import Path
from typing import BinaryIO

import msgspec

from danbao.kernel.errors import DanbaoError

TAIL_BYTES = 1 << 20
"""Longer than the longest line (256 KiB of data, and its envelope)."""


class LineFileError(DanbaoError):
    """The file is none of ours, or must not be written over."""

    code = "file_unfit"


class LastEvent(msgspec.Struct):
    """What the last line says."""

    sequence: str
    id: str


class LineFile:
    """The file while it is written; whole lines only, in order."""

    def __init__(self, file: BinaryIO, last: LastEvent | None) -> None:
        self._file = file
        self.last = last
        """The event of the last line that was there; None for an empty file."""

    @property
    def position(self) -> int:
        """Position of the last event; 0 for an empty file."""
        return int(self.last.sequence) if self.last else 0

    def write(self, lines: list[str]) -> None:
        """Add lines."""
        self._file.write("".join(f"{line}\n" for line in lines).encode())

    def close(self) -> None:
        """Make all that was written durable."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


def open_line_file(path: Path, *, resume: bool) -> LineFile:
    """Open a file to add events to it.

    Raises:
        LineFileError: it is there and nobody said to go on with it, or its end is none of ours.
    """
    if not resume and path.exists() and path.stat().st_size:
        raise LineFileError(f"{path} is there", todo="Go on with it by --resume, or move it away.")
    file = path.open("r+b" if path.exists() else "w+b")
    try:
        end, last = _last_line(file)
        found = None if last is None else msgspec.json.decode(last, type=LastEvent)
    except (msgspec.DecodeError, ValueError) as error:
        file.close()
        raise LineFileError(f"the last line of {path} is no event: {error}") from error
    file.truncate(end)
    file.seek(end)
    return LineFile(file, found)


def _last_line(file: BinaryIO) -> tuple[int, bytes | None]:
    """Give where the last whole line ends, and the line."""
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - TAIL_BYTES)
    file.seek(start)
    whole, newline, _ = file.read().rpartition(b"\n")
    if not newline:
        if start:
            raise ValueError("it is too long")
        return 0, None
    return start + len(whole) + 1, whole.rpartition(b"\n")[2]
