"""Verifying an archive by itself: bytes, order, row and leaf hashes; no database is asked."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import file_digest
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from danbao.analysis.wanted import Wanted
from danbao.archive.columns import SCHEMA
from danbao.archive.errors import ArchiveError
from danbao.archive.manifest import File, Manifest, read_manifest
from danbao.proofs.leaf import leaf_hash, row_hash

PROBLEMS_MAX = 20
HASHED = (
    "stream", "version", "type", "schema_version", "partition_key", "event_id", "causation_id",
    "correlation_id", "actor", "data", "postings",
)  # fmt: skip
"""What the row hash covers, in this order (contract, "Leaf hash")."""


@dataclass(slots=True)
class Verified:
    """What was looked at, and what is wrong."""

    manifest: Manifest
    rows: int = 0
    problems: list[str] = field(default_factory=list)


def verify_archive(folder: Path, report: Callable[[int], None] = lambda _: None) -> Verified:
    """Look at every byte of an archive.

    Raises:
        ArchiveError: there is no archive in the folder.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        raise ArchiveError(f"there is no archive in {folder}", todo="`danbao export` makes one.")
    found = Verified(manifest)
    last = Last(manifest.after, 0)
    for file in manifest.files:
        for problem in _problems(folder, file, last, whole=manifest.wanted == Wanted()):
            found.problems.append(f"{file.path}: {problem}")
            if len(found.problems) >= PROBLEMS_MAX:
                return found
        found.rows += file.rows
        report(found.rows)
    return found


@dataclass(slots=True)
class Last:
    """The event before."""

    position: int
    micros: int


def _problems(folder: Path, file: File, last: Last, *, whole: bool) -> Iterator[str]:
    try:
        with (folder / file.path).open("rb") as opened:
            digest = file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        yield f"cannot be read: {error.strerror}"
        return
    if digest != file.sha256:
        yield "its bytes are not the ones that were written"
    try:
        parquet = pq.ParquetFile(folder / file.path)
        if parquet.metadata.num_rows != file.rows:
            yield f"has {parquet.metadata.num_rows} rows, not {file.rows}"
        for batch in parquet.iter_batches(columns=SCHEMA.names):
            yield from _wrong_rows(_rows(batch), last, whole=whole)
    except OSError as error:  # pyarrow's own errors of broken files are among them
        yield f"is no Parquet file of ours: {error}"
    if whole and last.position != file.upto:
        yield f"ends at position {last.position}, not {file.upto}"
    last.position = file.upto


def _rows(batch: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - a batch of pyarrow
    names = [*SCHEMA.names, "micros"]
    micros = batch["recorded_at"].cast("int64")
    columns = [*(batch[name].to_pylist() for name in SCHEMA.names), micros.to_pylist()]
    for values in zip(*columns, strict=True):
        yield dict(zip(names, values, strict=True))


def _wrong_rows(rows: Iterable[dict[str, Any]], last: Last, *, whole: bool) -> Iterator[str]:
    for row in rows:
        position, micros = row["position"], row["micros"]
        if (whole and position != last.position + 1) or position <= last.position:
            yield f"position {position} follows {last.position}"
        if micros < last.micros:
            yield f"position {position} was recorded before the one in front of it"
        last.position, last.micros = position, micros
        if row_hash(tuple(row[name] for name in HASHED)) != row["row_hash"]:
            yield f"position {position} is not what its row hash says"
        elif leaf_hash(row["shard"], position, micros, row["row_hash"]) != row["leaf_hash"]:
            yield f"position {position} is not what its leaf hash says"
