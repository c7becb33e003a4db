"""The manifest: which files an archive has, and which stretch of the log each covers.

It is the archive's only truth: a file that it does not name is not there.  Stretches follow each
other without a gap, so nothing is missing and nothing is there twice.
"""

import os
from pathlib import Path

import msgspec

from danbao.analysis.wanted import Wanted
from danbao.archive.errors import ArchiveError

NAME = "manifest.json"
FORMAT = 1


class File(msgspec.Struct, frozen=True):
    """One file: all wanted events with `after` < position <= `upto`; they are of one day (UTC)."""

    path: str
    day: str
    after: int
    upto: int
    rows: int
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an archive says about itself."""

    format: int = FORMAT
    incarnation: str
    wanted: Wanted = Wanted()
    after: int = 0
    """Where the archive begins."""
    upto: int = 0
    """Where it ends for now; the next stretch begins here."""
    leaf_hash: str = ""
    """Of the last event in a file, hexadecimal: the log must still have it later."""
    files: tuple[File, ...] = ()

    @property
    def rows(self) -> int:
        """Events in all files."""
        return sum(file.rows for file in self.files)


def read_manifest(folder: Path) -> Manifest | None:
    """Read the manifest of a folder; None when there is none.

    Raises:
        ArchiveError: it cannot be read, or has gaps.
    """
    try:
        text = (folder / NAME).read_bytes()
    except FileNotFoundError:
        return None
    try:
        manifest = msgspec.json.decode(text, type=Manifest)
    except msgspec.DecodeError as error:
        raise ArchiveError(f"{folder / NAME} cannot be read: {error}") from error
    if manifest.format != FORMAT:
        raise ArchiveError(f"{folder / NAME} has format {manifest.format}, not {FORMAT}")
    last = manifest.after
    for file in manifest.files:
        if file.after != last:
            raise ArchiveError(f"{file.path} begins after {file.after}, not after {last}")
        last = file.upto
    if manifest.upto < last or (manifest.upto > last and manifest.wanted == Wanted()):
        raise ArchiveError(f"the files end at {last}, the manifest at {manifest.upto}")
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Put a manifest in the place of the one before, at once and for good."""
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    new = folder / f".{NAME}.new"
    with new.open("wb") as file:
        file.write(text + b"\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / NAME)
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
