"""The record of a running engine: one file in its home that tells others where everything is."""

import json
import os
from pathlib import Path

import msgspec
import psutil

FILE = "engine.json"


class EngineRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Where the engine of a home is; `started` tells the process from a later one of its id."""

    pid: int
    started: float
    postgres_dsn: str
    kafka_bootstrap: str
    partitions: int
    processes: dict[str, int]
    """Process ids by name, such as `escrow-0`; the servers that are ours too."""


def write_record(home: Path, record: EngineRecord) -> None:
    """Write the record so that a reader sees all of it or none."""
    path = home / FILE
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(msgspec.to_builtins(record), indent=2) + "\n")
    temporary.chmod(0o600)
    temporary.replace(path)


def read_record(home: Path) -> EngineRecord | None:
    """Give the record of the engine that runs in a home; None when none does."""
    try:
        record = msgspec.json.decode((home / FILE).read_bytes(), type=EngineRecord)
    except (OSError, msgspec.DecodeError):
        return None
    return record if is_alive(record) else None


def is_alive(record: EngineRecord) -> bool:
    """Tell whether the engine of a record still runs."""
    try:
        started: float = psutil.Process(record.pid).create_time()
    except psutil.Error:
        return False
    return abs(started - record.started) < 1


def remove_record(home: Path) -> None:
    """Remove our own record; another engine's stays."""
    record = read_record(home)
    if record is not None and record.pid == os.getpid():
        (home / FILE).unlink(missing_ok=True)
