"""What `danbao doctor` finds at the engine's Postgres; nothing is changed there."""

from collections.abc import Iterable, Mapping

import asyncpg

from danbao.kernel.migrate import migration_files
from danbao.kernel.sql import load_queries
from danbao.servers.doctor import Finding, Status

Q = load_queries("danbao.cli", "doctor.sql")

DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
"""With one of these off, a crash may lose or damage what was committed."""
CHECKSUMS = "data_checksums"


async def examine_postgres(connection: asyncpg.Connection) -> list[Finding]:
    """Look at version, settings and migrations."""
    version = await connection.fetchval("SHOW server_version")
    rows = await connection.fetch(Q["settings"], [*DURABLE, CHECKSUMS])
    return [
        Finding("postgres server", Status.OK, f"answers, version {version}"),
        *find_durability({row["name"]: row["setting"] for row in rows}),
        await _migrations(connection),
    ]


async def read_topics(connection: asyncpg.Connection) -> dict[str, int]:
    """Read which topics were made, with their partitions; none where nothing was set up."""
    try:
        return {row["topic"]: row["partitions"] for row in await connection.fetch(Q["topics"])}
    except asyncpg.UndefinedTableError:
        return {}


def find_durability(found: Mapping[str, str]) -> list[Finding]:
    """Judge the settings on which the safety of every commit rests."""
    findings = []
    for name in DURABLE:
        value = found.get(name, "unknown")
        is_safe = value not in {"off", "unknown"}
        todo = "" if is_safe else f"Switch {name} on: money is at stake."
        status = Status.OK if is_safe else Status.MISSING
        findings.append(Finding(f"postgres {name}", status, value, todo))
    value = found.get(CHECKSUMS, "unknown")
    if value == "on":
        return [*findings, Finding("postgres data_checksums", Status.OK, value)]
    todo = "Without them a damaged page goes unseen: run `pg_checksums --enable` while it is down."
    return [*findings, Finding("postgres data_checksums", Status.WARN, value, todo)]


async def _migrations(connection: asyncpg.Connection) -> Finding:
    """Compare the migrations of this version with those applied."""
    if not await connection.fetchval(Q["has_migrations"]):
        return find_migrations(())
    try:
        rows = await connection.fetch(Q["migrations"])
    except asyncpg.InsufficientPrivilegeError:
        detail = "this login may not read which were applied"
        return Finding("migrations", Status.WARN, detail, "Ask as the owner of the database.")
    return find_migrations(row["name"] for row in rows)


def find_migrations(applied: Iterable[str]) -> Finding:
    """Say which migrations are missing, or come from a newer version."""
    names, done = [name for name, _ in migration_files()], set(applied)
    if missing := [name for name in names if name not in done]:
        detail = f"missing: {', '.join(missing)}"
        return Finding("migrations", Status.MISSING, detail, "`danbao up` applies them.")
    if newer := sorted(done.difference(names)):
        detail = f"of a newer danbao: {', '.join(newer)}"
        return Finding("migrations", Status.WARN, detail, "Run the version that made them.")
    return Finding("migrations", Status.OK, f"all {len(names)} applied")
