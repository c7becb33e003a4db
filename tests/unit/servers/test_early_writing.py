"""What was written begins to go to the disk although nobody asked for it."""

import ctypes
import os
import sys
import time
from pathlib import Path

import pytest

from danbao.servers.early_writing import EVERY_S, EarlyWriting, times_of_writing

CACHESTAT = 451
"""The number of the system call that counts a file's pages in memory, since Linux 6.5."""
BYTES = 8_000_000
LIMIT_S = 10
"""Left to itself, Linux begins after 30 s."""


class PageCounts(ctypes.Structure):
    """What `cachestat` answers."""

    _fields_ = [
        (name, ctypes.c_uint64)
        for name in ("cache", "dirty", "writeback", "evicted", "recently_evicted")
    ]


class Span(ctypes.Structure):
    """A part of a file; no length means to its end."""

    _fields_ = [("offset", ctypes.c_uint64), ("length", ctypes.c_uint64)]


def waiting_pages(path: Path) -> int:
    """Count the pages of a file that nobody has begun to write to the disk."""
    counts, whole = PageCounts(), Span(0, 0)
    with path.open("rb") as file:
        said = ctypes.CDLL(None).syscall(
            *(CACHESTAT, file.fileno(), ctypes.byref(whole), ctypes.byref(counts), 0)
        )
    if said != 0:
        pytest.skip("this system does not count the pages of a file")
    return int(counts.dirty)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has the call")
def test_what_was_written_does_not_wait_for_the_system(tmp_path: Path) -> None:
    """Half a minute of writes at once would hold up every commit."""
    path = tmp_path / "16385"
    path.write_bytes(os.urandom(BYTES))
    if waiting_pages(path) == 0:
        pytest.skip("this file system writes at once")

    early = EarlyWriting(lambda: [tmp_path])
    early.start()
    try:
        deadline = time.monotonic() + LIMIT_S
        while waiting_pages(path) and time.monotonic() < deadline:
            time.sleep(EVERY_S / 10)
        assert waiting_pages(path) == 0
    finally:
        early.stop()


def test_large_files_are_known_by_when_they_were_written(tmp_path: Path) -> None:
    """A database has hundreds of files, and a few of them grow."""
    large = [tmp_path / name for name in ("16385", "16385.1", "00000000000000000000.log")]
    for path in (*large, tmp_path / "16385_vm", tmp_path / "00000000000000000000.index"):
        path.write_bytes(b"x")
        os.utime(path, ns=(1, 2_000))
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "2").write_bytes(b"x")
    (tmp_path / "3").symlink_to(large[0])

    found = times_of_writing([tmp_path, tmp_path / "gone"])

    assert found == {str(path): 2_000 for path in large}
