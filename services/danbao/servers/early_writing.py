"""What the local servers wrote begins to go to the disk within a second.

Linux lets written pages lie for half a minute, and then writes all of a file at once.  Every commit
of Postgres that falls into it waits, 50 to 150 ms long.  So the writing is begun early here, and
nobody waits for it.  It promises nothing: what must be on the disk is there by `fsync`, as ever.
Servers that are not ours have a setting of their kernel for it (docs/how-to/deploy.md).
"""

import ctypes
import os
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from danbao.servers.errors import ServerError

EVERY_S = 1.0
WRITE = 2
"""`SYNC_FILE_RANGE_WRITE`: begin with all that is not being written yet, and do not wait."""


class EarlyWriting:
    """A thread that begins to write what servers have written to their files."""

    def __init__(self, folders: Callable[[], Iterable[Path]]) -> None:
        """Name the folders in which the files lie, asked anew each time; none below them."""
        self._folders = folders
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, unless begun; does nothing where the system has no such call: only Linux has."""
        begin = getattr(ctypes.CDLL(None), "sync_file_range", None)
        if begin is None or self._thread is not None:
            return
        self._stopping.clear()
        begin.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint]
        name = "early-writing"
        self._thread = threading.Thread(target=self._run, args=(begin,), name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop; a pass that is going ends first, unless the disk hangs."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(EVERY_S)
            self._thread = None

    def _run(self, begin: Callable[[int, int, int, int], int]) -> None:
        before: dict[str, int] = {}
        while not self._stopping.wait(EVERY_S):
            with suppress(OSError, ServerError):  # the home is being deleted
                now = times_of_writing(self._folders())
                for path, _ in now.items() - before.items():
                    with suppress(OSError), Path(path).open("rb") as file:  # deleted since
                        # An error of the disk is not ours to report: the server's `fsync` sees it.
                        begin(file.fileno(), 0, 0, WRITE)
                before = now


def times_of_writing(folders: Iterable[Path]) -> dict[str, int]:
    """Give the large files of some folders with the times of their last writing, in ns.

    Postgres' tables (`16385`, `16385.1`) and Kafka's segments (`00000000000000000000.log`) have
    numbers for names; what lies beside them is small.
    """
    found: dict[str, int] = {}
    for folder in folders:
        with suppress(OSError), os.scandir(folder) as entries:  # deleted while we look
            for entry in entries:
                number = entry.name.removesuffix(".log").replace(".", "")
                if number.isdecimal() and entry.is_file(follow_symlinks=False):
                    found[entry.path] = entry.stat(follow_symlinks=False).st_mtime_ns
    return found
