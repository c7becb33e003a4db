"""Checkpoints in a file outside Postgres, one note after the other, each followed by a blank line.

Appended and synced, never rewritten: whoever changes the database does not reach it.  A note that
was cut short when the machine stopped is left out, and makes room for the next one.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from danbao.proofs.errors import MalformedError
from danbao.proofs.note import SIGNATURE_LINE

NAME = "checkpoints.txt"
BREAK = b"\n\n"
TAIL_BYTES = 1 << 16
SIGNED = SIGNATURE_LINE.encode()


def split_file(raw: bytes) -> Iterator[str]:
    """Give the whole notes of a file, or of its end, in order.

    Raises:
        MalformedError: it is not UTF-8.
    """
    pieces = raw.split(BREAK)[:-1]  # the last one is empty, or a note cut short
    for text, signatures in pairwise(pieces):
        if signatures.startswith(SIGNED) and not text.startswith(SIGNED):
            try:
                yield (text + BREAK + signatures + b"\n").decode()
            except UnicodeDecodeError as error:
                raise MalformedError("not UTF-8") from error


@dataclass(slots=True)
class CheckpointFile:
    """The file of a home."""

    path: Path

    @classmethod
    def of_home(cls, home: Path) -> "CheckpointFile":
        """Where a home keeps its checkpoints."""
        return cls(home / NAME)

    def last(self, origin: str) -> str | None:
        """The last note of a log; None when there is none.

        Raises:
            MalformedError: the file is not UTF-8.
        """
        if not self.path.exists():
            return None
        size, length = self.path.stat().st_size, TAIL_BYTES
        while True:
            with self.path.open("rb") as file:
                file.seek(max(0, size - length))
                notes = [n for n in split_file(file.read()) if n.startswith(f"{origin}\n")]
            if notes:
                return notes[-1]
            if length >= size:
                return None
            length *= 16

    def append(self, note: str) -> None:
        """Add a note; when this returns, it is on the disk."""
        is_new = not self.path.exists()
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.ftruncate(file, _whole_bytes(file))
            os.write(file, f"{note}\n".encode())
            os.fsync(file)
        finally:
            os.close(file)
        if is_new:
            _sync_folder(self.path.parent)


def _whole_bytes(file: int) -> int:
    """Bytes up to the end of the last whole note."""
    size = os.lseek(file, 0, os.SEEK_END)
    start = max(0, size - TAIL_BYTES)
    tail = os.pread(file, size - start, start)
    end = tail.rfind(BREAK)
    while end >= 0:
        before = tail.rfind(BREAK, 0, end)
        if tail[before + 2 if before >= 0 else 0 :].startswith(SIGNED):
            return start + end + len(BREAK)
        end = before
    return size if start else 0


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
