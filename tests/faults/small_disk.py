"""A disk of its own for Postgres, small enough to be filled; needs the right to mount one."""

import asyncio
import errno
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.faults.fleet import Fleet

ROOM_BYTES = 96 * 1_048_576
CHUNK_BYTES = 1_048_576


@dataclass(slots=True)
class SmallDisk:
    """The mounted disk, with the data of Postgres on it."""

    folder: Path

    @property
    def _filler(self) -> Path:
        return self.folder / "filler"

    def fill(self) -> int:
        """Write until nothing more fits; gives the bytes."""
        size = CHUNK_BYTES
        with self._filler.open("ab", buffering=0) as file:
            while size:
                try:
                    file.write(bytes(size))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    size //= 2
        return self._filler.stat().st_size

    def free(self) -> None:
        """Give the room back."""
        self._filler.unlink()


@asynccontextmanager
async def small_disk(fleet: Fleet) -> AsyncIterator[SmallDisk]:
    """Move the data of Postgres to a small disk while it is stopped; skip without the right to."""
    made = json.loads((fleet.home / "postgres" / "made.json").read_text())
    data = fleet.home / "postgres" / made["data"]
    kept = data.with_name(f"{data.name}.kept")
    await fleet.servers.postgres.stop()
    data.rename(kept)
    used = sum(each.lstat().st_size for each in kept.rglob("*"))
    owner = kept.stat()
    data.mkdir(mode=0o700)
    try:
        _mount(data, used + ROOM_BYTES)
        await asyncio.to_thread(_copy, kept, data)
        os.chown(data, owner.st_uid, owner.st_gid)
        data.chmod(0o700)
        await fleet.servers.start()
        yield SmallDisk(data)
        await fleet.servers.postgres.stop()
        shutil.rmtree(kept)
        kept.mkdir(mode=0o700)
        os.chown(kept, owner.st_uid, owner.st_gid)
        await asyncio.to_thread(_copy, data, kept)
    finally:
        fleet.servers.kill("postgres")
        await asyncio.to_thread(_unmount, data)
        data.rmdir()
        kept.rename(data)
        await fleet.servers.start()


def _mount(folder: Path, size: int) -> None:
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"a small disk cannot be made here: {error}")
    if ended.returncode != 0:
        pytest.skip(f"a small disk cannot be made here: {ended.stderr.strip()}")


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", folder], check=False, capture_output=True)


def _copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", f"{source}/.", str(target)], check=True)
