"""Writing an archive: files appear whole or not at all, and the manifest follows.

A file is written under a name of no meaning, made durable, given its name, and then named in the
manifest.  Whatever dies when, the next start removes what the manifest does not name and goes on
behind the last stretch that it does: no event is missing, and none is there twice.
"""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import file_digest
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from danbao.archive.columns import SCHEMA, days_of
from danbao.archive.errors import ArchiveError
from danbao.archive.manifest import File, Manifest, read_manifest, sync_folder, write_manifest

ROWS_MAX = 500_000
"""Events in one file; a day may have several."""
ROW_GROUP_MAX = 50_000
REPEATING = ["type", "actor", "partition_key", "stream", "correlation_id"]
"""Columns whose texts come again and again."""
_OURS = re.compile(r"day=\d{4}-\d\d-\d\d/\d{12}-\d{12}\.parquet")


@contextmanager
def open_archive(folder: Path, fresh: Manifest) -> Iterator["Archive"]:
    """Open a folder for writing, alone; without an archive in it, `fresh` begins one.

    Raises:
        ArchiveError: it is another log's or has other events, or somebody else writes to it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ArchiveError(f"another process writes to {folder}") from None
        manifest = read_manifest(folder)
        if manifest is not None:
            _check(folder, manifest, fresh)
        archive = Archive(folder, manifest or fresh)
        archive.clean()
        try:
            yield archive
        finally:
            archive.abandon()
    finally:
        os.close(lock)


class Archive:
    """An archive that grows."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self._new = folder / ".new.parquet"
        self._writer: pq.ParquetWriter | None = None
        self._day = ""
        self._replaced: File | None = None
        self._rows = 0
        self._last = pa.table({})

    def clean(self) -> None:
        """Remove what an earlier process left behind and the manifest does not name."""
        self._new.unlink(missing_ok=True)
        named = {file.path for file in self.manifest.files}
        for path in self.folder.glob("day=*/*.parquet"):
            name = path.relative_to(self.folder).as_posix()
            if _OURS.fullmatch(name) and name not in named:
                path.unlink()

    def add(self, table: pa.Table) -> None:
        """Add the next events."""
        for day, part in days_of(table):
            if self._writer is not None and (day != self._day or self._rows >= ROWS_MAX):
                self._close_file()
            if self._writer is None:
                self._open_file(day)
            self._write(part)

    def finish(self, upto: int) -> None:
        """Close the last file; everything up to here was looked at."""
        if self._writer is not None:
            self._close_file()
        if upto > self.manifest.upto:
            self._note(msgspec.structs.replace(self.manifest, upto=upto))

    def abandon(self) -> None:
        """Let go of a file that is not whole."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self._new.unlink(missing_ok=True)

    def _open_file(self, day: str) -> None:
        """Begin a file; a short one of the same day is taken into it."""
        self._writer = pq.ParquetWriter(
            self._new, SCHEMA, compression="zstd", use_dictionary=REPEATING
        )
        self._day, self._rows, self._replaced = day, 0, None
        last = self.manifest.files[-1] if self.manifest.files else None
        if last is not None and last.day == day and last.rows < ROWS_MAX:
            self._replaced = last
            self._write(pq.read_table(self.folder / last.path, schema=SCHEMA, partitioning=None))

    def _write(self, table: pa.Table) -> None:
        assert self._writer is not None
        self._writer.write_table(table, row_group_size=ROW_GROUP_MAX)
        self._rows += len(table)
        self._last = table.slice(len(table) - 1)

    def _close_file(self) -> None:
        assert self._writer is not None
        self._writer.close()
        self._writer = None
        kept = self.manifest.files[: -1 if self._replaced else None]
        after = kept[-1].upto if kept else self.manifest.after
        upto = self._last["position"][0].as_py()
        path = Path(f"day={self._day}") / f"{after + 1:012d}-{upto:012d}.parquet"
        digest = _make_durable(self._new, self.folder / path)
        size = (self.folder / path).stat().st_size
        file = File(path.as_posix(), self._day, after, upto, self._rows, size, digest)
        leaf = self._last["leaf_hash"][0].as_py().hex()
        self._note(
            msgspec.structs.replace(self.manifest, files=(*kept, file), upto=upto, leaf_hash=leaf)
        )
        if self._replaced is not None:
            (self.folder / self._replaced.path).unlink()

    def _note(self, manifest: Manifest) -> None:
        write_manifest(self.folder, manifest)
        self.manifest = manifest


def _make_durable(new: Path, path: Path) -> str:
    """Give a whole file its name; gives its SHA-256."""
    with new.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    path.parent.mkdir(exist_ok=True)
    new.replace(path)
    sync_folder(path.parent)
    sync_folder(path.parent.parent)
    return digest


def _check(folder: Path, manifest: Manifest, fresh: Manifest) -> None:
    """Hold that an archive is of the log, and of the events, that are to be added."""
    if manifest.incarnation != fresh.incarnation:
        raise ArchiveError(
            f"{folder} is of another log ({manifest.incarnation})",
            todo="Choose another folder, or delete this one.",
        )
    if (manifest.wanted, manifest.after) != (fresh.wanted, fresh.after):
        raise ArchiveError(
            f"{folder} has {manifest.wanted} from position {manifest.after + 1}, "
            f"not {fresh.wanted} from position {fresh.after + 1}",
            todo="Ask for the same again to go on, or choose another folder.",
        )
