"""The manifest has no gaps, or is refused."""

from pathlib import Path

import msgspec
import pytest

from danbao.analysis.wanted import Wanted
from danbao.archive.errors import ArchiveError
from danbao.archive.manifest import File, Manifest, read_manifest, write_manifest

FIRST = File("day=2026-01-05/a.parquet", "2026-01-05", 0, 10, 10, 1, "x")
SECOND = File("day=2026-01-06/b.parquet", "2026-01-06", 10, 15, 5, 1, "y")
WHOLE = Manifest(incarnation="i", upto=15, files=(FIRST, SECOND))


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Nothing else says what an archive has."""
    assert read_manifest(tmp_path) is None

    write_manifest(tmp_path, WHOLE)

    assert read_manifest(tmp_path) == WHOLE
    assert WHOLE.rows == 15


@pytest.mark.parametrize(
    "broken",
    [
        msgspec.structs.replace(WHOLE, files=(FIRST, msgspec.structs.replace(SECOND, after=11))),
        msgspec.structs.replace(WHOLE, files=(SECOND,)),
        msgspec.structs.replace(WHOLE, upto=14),
        msgspec.structs.replace(WHOLE, upto=16),
        msgspec.structs.replace(WHOLE, format=2),
    ],
    ids=["gap", "lost", "short", "long", "format"],
)
def test_gaps_are_refused(tmp_path: Path, broken: Manifest) -> None:
    """A missing stretch would be a wrong answer to every question."""
    write_manifest(tmp_path, broken)

    with pytest.raises(ArchiveError):
        read_manifest(tmp_path)


def test_an_archive_of_some_events_may_end_behind_its_last_file(tmp_path: Path) -> None:
    """Behind it nothing was wanted."""
    some = msgspec.structs.replace(WHOLE, wanted=Wanted(flow="T-1"), upto=99)
    write_manifest(tmp_path, some)

    assert read_manifest(tmp_path) == some


def test_a_file_that_is_no_manifest_is_refused(tmp_path: Path) -> None:
    """A broken disk is named, and nothing is written over it."""
    (tmp_path / "manifest.json").write_text("{")

    with pytest.raises(ArchiveError, match="cannot be read"):
        read_manifest(tmp_path)
