"""The record of a running engine: one file in its home that tells others where everything is."""

import json
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
    health: dict[str, str] = {}
    """Where each process answers `/livez` and `/readyz`, by name; URLs without a path."""
    servers_are_ours: bool = True
    """Whether this engine started a server itself, rather than being given both."""


def write_record(home: Path, record: EngineRecord) -> None:
    """Write the record so that a reader sees all of it or none."""
    path = home / FILE
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(msgspec.to_builtins(record), indent=2) + "\n")
    temporary.chmod(0o600)
    temporary.replace(path)


def last_record(home: Path) -> EngineRecord | None:
    """Give the record of the engine that ran in a home last; it may have stopped."""
    try:
        return msgspec.json.decode((home / FILE).read_bytes(), type=EngineRecord)
    except (OSError, msgspec.DecodeError):
        return None


def read_record(home: Path) -> EngineRecord | None:
    """Give the record of the engine that runs in a home; None when none does."""
    record = last_record(home)
    return record if record is not None and is_alive(record) else None


def is_alive(record: EngineRecord) -> bool:
    """Tell whether the engine of a record still runs."""
    try:
        started: float = psutil.Process(record.pid).create_time()
    except psutil.Error:
        return False
    return abs(started - record.started) < 1
