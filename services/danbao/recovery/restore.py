"""Restoring a backup: into an empty database only, checked before and after."""

import asyncio
import json
from pathlib import Path
from typing import Any

import asyncpg

from danbao.kernel.migrate import migration_files, note_migrations
from danbao.kernel.postgres.connection import ROLE, connect, role_of
from danbao.recovery.backup import (
    DUMP,
    FORMAT,
    MANIFEST,
    TIMEOUTS,
    BackupError,
    Q,
    count_rows,
    file_hash,
)
from danbao.recovery.client_tools import find_tool

MAKERS_OF_ROLES = ("0002_pre_roles.sql", "0010_pre_process_roles.sql")
"""Each makes its roles in its first block."""


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read what a backup says about itself, and check that its files are the ones it means.

    Raises:
        BackupError: it is not complete, not sound, or of a later version.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise BackupError(
            f"{folder} has no {MANIFEST}: it is no backup, or one that was not finished"
        )
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if manifest.get("format") != FORMAT:
        raise BackupError(f"format {manifest.get('format')} is not known to this version")
    known = {name for name, _ in migration_files()}
    if later := sorted(set(manifest["migrations"]) - known):
        raise BackupError(
            f"it was made by a later version, with {later[0]}", todo="Upgrade danbao first."
        )
    for name, said in manifest["files"].items():
        file = folder / name
        if not file.is_file() or file_hash(file) != said["sha256"]:
            raise BackupError(f"{file} is not the file that was backed up: its SHA-256 differs")
    return manifest


async def restore(dsn: str, folder: Path, manifest: dict[str, Any]) -> None:
    """Fill an empty database from a backup, and hold the result against the manifest.

    Raises:
        BackupError: the database is not empty, or what came out is not what went in.
        ToolError: there is no pg_restore for this server.
        UnavailableError: Postgres does not answer.
    """
    connection = await connect(dsn, purpose="restore", role=None, session=TIMEOUTS)
    try:
        if remains := [row[0] for row in await connection.fetch(Q["remains"])]:
            raise BackupError(
                f"the database is not empty: it has {', '.join(remains)}",
                todo="Restore into a new database or a new home; nothing is ever written over.",
            )
        await _make_roles(connection)
        tool = find_tool("pg_restore", connection.get_server_version().major)
        code, said = await tool.run(
            dsn, "--no-owner", "--exit-on-error", "--single-transaction", str(folder / DUMP)
        )
        if code:
            raise BackupError(f"pg_restore failed: {said}")
        for owner, names in (
            (ROLE, manifest["owned_by_engine"]),
            (role_of("projector"), manifest.get("owned_by_projector", ())),
        ):
            for name in names:
                await connection.execute(f"ALTER TABLE {name} OWNER TO {owner}")
        await note_migrations(connection, manifest["migrations"])
        await _check(connection, manifest)
    finally:
        await connection.close()


async def _make_roles(connection: asyncpg.Connection) -> None:
    """Roles belong to the server, not to the database: a dump only grants to them."""
    texts = dict(migration_files())
    for name in MAKERS_OF_ROLES:
        await connection.execute(texts[name][: texts[name].index("$$;") + 3])


async def _check(connection: asyncpg.Connection, manifest: dict[str, Any]) -> None:
    head = await connection.fetchrow(Q["head"])
    assert head is not None
    leaf = None if head["leaf_hash"] is None else head["leaf_hash"].hex()
    found = (str(head["incarnation"]), head["position"], leaf)
    wanted = tuple(manifest[name] for name in ("incarnation", "position", "leaf_hash"))
    if found != wanted:
        raise BackupError(f"the log ends with {found}, the backup with {wanted}")
    if (counts := await count_rows(connection)) != manifest["rows"]:
        wrong = {name for name, _ in counts.items() ^ manifest["rows"].items()}
        raise BackupError(f"these tables have not their rows: {', '.join(sorted(wrong))}")
    if (position := await connection.fetchval(Q["wrong_leaves"])) is not None:
        raise BackupError(f"position {position}: the leaf is not the hash of its row")


async def restore_checked(dsn: str, folder: Path) -> dict[str, Any]:
    """Read and check a backup, restore it; gives its manifest."""
    manifest = await asyncio.to_thread(read_manifest, folder)
    await restore(dsn, folder, manifest)
    return manifest
