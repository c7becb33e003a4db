"""Whether a Postgres is fit for the engine: asked at every start, and by `danbao doctor`."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import structlog

from danbao.kernel.clock import DISAGREEMENT_S, SystemClock
from danbao.kernel.errors import NotASandboxError, SandboxLogError, UnavailableError
from danbao.kernel.findings import Finding, Status, refuse_faults
from danbao.kernel.migrate import is_post, migration_files
from danbao.kernel.postgres.connection import (
    NO_ROLE,
    PATIENT,
    READER,
    ROLE,
    TRANSACTION_TIMEOUT_SINCE,
    connect,
    role_of,
    take_on,
)
from danbao.kernel.postgres.sessions import find_sessions, keeps_sessions
from danbao.kernel.sql import load_queries

Q = load_queries("danbao.kernel.postgres", "checks.sql")

DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
"""With one of these off, a crash may lose or damage what was committed."""
CHECKSUMS = "data_checksums"
VERSION_MIN = 15
CONNECTIONS_MIN = 5
"""Free ones; a start asks for two for each of its processes."""
log = structlog.get_logger()


async def examine_postgres(
    dsn: str,
    *,
    partitions: int | None = None,
    connections: int = CONNECTIONS_MIN,
    process: str | None = None,
) -> list[Finding]:
    """Look at version, settings, sessions, clock and migrations; for a process, at its role too.

    Raises:
        UnavailableError: nobody answers there.
    """
    connection = await connect(dsn, purpose="checks", role=None, session=PATIENT)
    try:
        sessions = find_sessions(are_sessions=await keeps_sessions(connection, dsn))
        if sessions.status is Status.MISSING:
            return [sessions]  # nothing else that it says can be relied on
        facts = await connection.fetchrow(Q["settings"])
        machine = SystemClock().now()
        assert facts is not None
        findings = [
            find_version(facts["version"], facts["version_number"]),
            *find_durability(dict(facts)),
            sessions,
            find_connections(facts["connections_free"], connections),
            find_slots(facts["slots_unused"]),
            find_clock(facts["now"], machine),
            await _migrations(connection),
        ]
        if process is not None:
            findings.append(await _role(connection, process))
            if findings[-1].status is Status.MISSING:
                return findings  # it may not read what is asked next
        topics = await read_topics(connection, process)
        return [*findings, *find_partitions(topics, partitions)]
    finally:
        connection.terminate()


async def check_start(process: str, dsn: str, partitions: int, *, sandbox: bool) -> None:
    """Refuse to let a process run on what it must not run on.

    Raises:
        SetupError: an operator must look.
        UnavailableError: Postgres is away, or full for the moment.
    """
    found = await examine_postgres(dsn, partitions=partitions, connections=1, process=process)
    for finding in found:
        if finding.code == "postgres_full":
            raise UnavailableError(f"{finding.name}: {finding.detail}")
        if finding.code == "postgres_role_wide":
            log.warning("role.widened", error_code=finding.code, error=finding.detail)
    refuse_faults(finding for finding in found if finding.code != "clocks_disagree")
    connection = await connect(dsn, purpose="checks", role=role_of(process), session=PATIENT)
    try:
        is_sandbox = await connection.fetchval(Q["is_sandbox"])
    finally:
        connection.terminate()
    if is_sandbox and not sandbox:
        raise SandboxLogError("this log was begun in a sandbox")
    if sandbox and not is_sandbox:
        raise NotASandboxError("this log was not begun in a sandbox")


async def recorded_topics(dsn: str) -> dict[str, int]:
    """Read which topics were made, on a connection of its own."""
    connection = await connect(dsn, purpose="checks", role=None, session=PATIENT)
    try:
        return await read_topics(connection)
    finally:
        connection.terminate()


async def read_topics(connection: asyncpg.Connection, process: str | None = None) -> dict[str, int]:
    """Read which topics were made, with their partitions; none where nothing was set up.

    The connection takes on the role of the process, else one that reads, if there is one that it
    may take on.
    """
    wanted = READER if process is None else role_of(process)
    await take_on(connection, [wanted, ROLE], otherwise=NO_ROLE)
    try:
        return {row["topic"]: row["partitions"] for row in await connection.fetch(Q["topics"])}
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        return {}


def find_version(text: str, number: int) -> Finding:
    """Judge the server's version."""
    major, detail = number // 10_000, f"answers, version {text}"
    if major < VERSION_MIN:
        todo = f"Use Postgres {VERSION_MIN} or newer."
        return Finding("postgres server", Status.MISSING, detail, todo, "postgres_too_old")
    if major < TRANSACTION_TIMEOUT_SINCE:
        todo = f"From {TRANSACTION_TIMEOUT_SINCE} on, a frozen worker lets the log go sooner."
        return Finding("postgres server", Status.WARN, detail, todo, "postgres_old")
    return Finding("postgres server", Status.OK, detail)


def find_durability(found: Mapping[str, Any]) -> list[Finding]:
    """Judge the settings on which the safety of every commit rests."""
    findings = []
    for name in DURABLE:
        value = found.get(name, "unknown")
        is_safe = value not in {"off", "unknown"}
        todo = "" if is_safe else f"Switch {name} on: money is at stake."
        status, code = (Status.OK, "") if is_safe else (Status.MISSING, "postgres_not_durable")
        findings.append(Finding(f"postgres {name}", status, value, todo, code))
    value = found.get(CHECKSUMS, "unknown")
    if value == "on":
        return [*findings, Finding("postgres data_checksums", Status.OK, value)]
    todo = "Without them a damaged page goes unseen: run `pg_checksums --enable` while it is down."
    code = "postgres_without_checksums"
    return [*findings, Finding("postgres data_checksums", Status.WARN, value, todo, code)]


def find_connections(free: int, wanted: int) -> Finding:
    """Compare the connections that are left with those that are wanted."""
    if free >= wanted:
        return Finding("postgres connections", Status.OK, f"{free} are free")
    detail = f"{free} are free, {wanted} are wanted"
    todo = "Raise max_connections, or close what else is connected."
    return Finding("postgres connections", Status.MISSING, detail, todo, "postgres_full")


def find_slots(unused: Sequence[str]) -> Finding:
    """An unused replication slot keeps the write-ahead log until the disk is full."""
    if not unused:
        return Finding("postgres replication slots", Status.OK, "none is unused")
    detail = f"unused, and the disk fills up for it: {', '.join(unused)}"
    todo = "Drop it with pg_drop_replication_slot(), and set max_slot_wal_keep_size."
    return Finding("postgres replication slots", Status.WARN, detail, todo, "postgres_slot_unused")


def find_clock(server: datetime, machine: datetime) -> Finding:
    """Compare Postgres' clock with this machine's; deadlines wait while they are apart."""
    apart = (machine - server).total_seconds()
    if abs(apart) <= DISAGREEMENT_S:
        return Finding("clock", Status.OK, f"{apart:+.3f} s from that of Postgres")
    detail = f"{apart:+.0f} s from that of Postgres"
    todo = "Set both by NTP; no deadline is sent while they are apart."
    return Finding("clock", Status.MISSING, detail, todo, "clocks_disagree")


async def _role(connection: asyncpg.Connection, process: str) -> Finding:
    """Look which role a process would work with; the connection has it then."""
    wanted = role_of(process)
    login = await connection.fetchval(Q["login"])
    taken = await take_on(connection, [wanted, ROLE], otherwise=NO_ROLE)
    return find_role(taken, wanted, login)


def find_role(taken: str, wanted: str, login: str) -> Finding:
    """Compare the role that a login may take on with the one that is made for a process."""
    if taken == wanted:
        return Finding("postgres role", Status.OK, taken)
    todo = f"GRANT {wanted} TO {login}: docs/how-to/secure-the-servers.md."
    if taken == ROLE:
        detail = f"{ROLE}, with the rights of all processes: {login} is no member of {wanted}"
        return Finding("postgres role", Status.WARN, detail, todo, "postgres_role_wide")
    detail = f"{login} is no member of {wanted}, nor of {ROLE}"
    return Finding("postgres role", Status.MISSING, detail, todo, "postgres_role_missing")


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
    """Say which migrations are missing, or come from a newer version.

    `pre` migrations of a newer version leave this one working, and `post` ones of this version are
    applied when no older process is left: neither stops a rolling change.
    """
    names, done = [name for name, _ in migration_files()], set(applied)
    unknown = done.difference(names)
    if newer := sorted(filter(is_post, unknown)):
        detail = f"of a newer danbao: {', '.join(newer)}"
        todo = "Run the version that made them; older code may not read what newer code wrote."
        return Finding("migrations", Status.MISSING, detail, todo, "schema_newer")
    missing = [name for name in names if name not in done]
    if any(not is_post(name) for name in missing):
        detail = f"missing: {', '.join(missing)}"
        todo = "`danbao up` and `danbao migrate` apply them."
        return Finding("migrations", Status.MISSING, detail, todo, "schema_older")
    if missing:
        detail = f"missing, for when no older process is left: {', '.join(missing)}"
        todo = "`danbao migrate --phase post` applies them then."
        return Finding("migrations", Status.WARN, detail, todo, "schema_older")
    if unknown:
        detail = f"prepared for a newer danbao: {', '.join(sorted(unknown))}"
        todo = "Finish the upgrade, or leave it: this version works too."
        return Finding("migrations", Status.WARN, detail, todo, "schema_newer")
    return Finding("migrations", Status.OK, f"all {len(names)} applied")


def find_partitions(recorded: Mapping[str, int], wanted: int | None) -> list[Finding]:
    """Compare DANBAO_PARTITIONS with the topics as they were made."""
    counts = sorted(set(recorded.values()))
    if wanted is None or not counts or counts == [wanted]:
        return []
    detail = f"DANBAO_PARTITIONS is {wanted}, the topics were made with {counts[0]}"
    todo = f"Set DANBAO_PARTITIONS={counts[0]}: partition counts never change."
    return [Finding("partitions", Status.MISSING, detail, todo, "partitions_differ")]
