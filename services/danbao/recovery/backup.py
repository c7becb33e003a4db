"""Backups of Postgres: a dump of one moment, and a manifest that says what must be in it.

The engine goes on meanwhile: dump and manifest see the same snapshot.  The manifest is written
last, so a folder without one is no backup.
"""

import asyncio
import json
import os
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import asyncpg

from danbao.kernel.clock import SystemClock
from danbao.kernel.errors import StopError
from danbao.kernel.postgres.connection import PATIENT, ROLE, connect, role_of
from danbao.kernel.records import time_text
from danbao.kernel.sql import load_queries
from danbao.recovery.client_tools import Tool, find_tool

DUMP = "danbao.dump"
MANIFEST = "manifest.json"
FORMAT = 1
TIMEOUTS = PATIENT | {
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}

Q = load_queries("danbao.recovery", "backup.sql")


class BackupError(StopError):
    """A backup could not be made, or is not what it should be."""

    code = "backup_refused"


async def back_up(dsn: str, folder: Path) -> dict[str, Any]:
    """Write a backup into an empty folder; gives its manifest.

    Raises:
        BackupError: the folder is not empty, or the dump failed.
        ToolError: there is no pg_dump for this server.
        UnavailableError: Postgres does not answer.
    """
    _begin(folder)
    connection = await connect(dsn, purpose="backup", role=None, session=TIMEOUTS)
    try:
        tool = find_tool("pg_dump", connection.get_server_version().major)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
            manifest = await _describe(connection)
            await _dump(tool, dsn, folder / DUMP, snapshot)
    finally:
        await connection.close()
    path = folder / DUMP
    digest = await asyncio.to_thread(file_hash, path)
    manifest["files"] = {DUMP: {"bytes": path.stat().st_size, "sha256": digest}}
    _write(folder / MANIFEST, json.dumps(manifest, indent=2, sort_keys=True) + "\n")
    return manifest


def _begin(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise BackupError(f"{folder} is not empty", todo="Name a new folder for each backup.")
    folder.mkdir(parents=True, exist_ok=True)


async def _describe(connection: asyncpg.Connection) -> dict[str, Any]:
    head = await connection.fetchrow(Q["head"])
    assert head is not None
    return {
        "format": FORMAT,
        "made_at": time_text(SystemClock().now()),
        "danbao": version("danbao"),
        "postgres": connection.get_server_version().major,
        "incarnation": str(head["incarnation"]),
        "position": head["position"],
        "recorded_at": time_text(head["recorded_at"]),
        "leaf_hash": None if head["leaf_hash"] is None else head["leaf_hash"].hex(),
        "published_position": head["confirmed"],
        "rows": await count_rows(connection),
        "migrations": [row[0] for row in await connection.fetch(Q["migrations"])],
        "owned_by_engine": await _owned_by(connection, ROLE),
        "owned_by_projector": await _owned_by(connection, role_of("projector")),
    }


async def _owned_by(connection: asyncpg.Connection, role: str) -> list[str]:
    return [row[0] for row in await connection.fetch(Q["owned_by"], role)]


async def count_rows(connection: asyncpg.Connection) -> dict[str, int]:
    """How many rows each table of ours has."""
    counts: dict[str, int] = {}
    for row in await connection.fetch(Q["tables"]):
        counts[row[0]] = await connection.fetchval(f"SELECT count(*) FROM {row[0]}")  # noqa: S608 - quoted by Postgres
    return counts


async def _dump(tool: Tool, dsn: str, path: Path, snapshot: str) -> None:
    code, said = await tool.run(
        dsn,
        "--format=custom",
        f"--snapshot={snapshot}",
        "--schema=danbao",
        "--schema=danbao_models",
        "--schema=danbao_read",
        f"--file={path}",
    )
    if code:
        raise BackupError(f"pg_dump failed: {said}")


def file_hash(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        digest = sha256()
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def _write(path: Path, text: str) -> None:
    """Write a file that is there in full, or not at all, even when the machine stops."""
    temporary = path.with_suffix(".new")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
