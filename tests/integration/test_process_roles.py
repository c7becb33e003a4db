"""What the role of each process may, tried on a real Postgres, and what it may not."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import permutations

import asyncpg
import pytest
from tests.integration.signing_in import make_login

from danbao.app import PROCESSES, SERVICES
from danbao.kernel.findings import CheckError, Status
from danbao.kernel.migrate import migrate
from danbao.kernel.postgres.checks import check_start, examine_postgres
from danbao.kernel.postgres.connection import PATIENT, READER, ROLE, ROLES, connect, role_of
from danbao.servers.postgres import PostgresServer

pytestmark = pytest.mark.servers

PARTITIONS = 8
SERVICE = {
    "event_log": "insert",
    "inbox": "insert",
    "decision_times": "insert",
    "log_heads": "update",
    "stream_states": "insert update delete",
    "shared_facts": "insert update",
    "guarded_balances": "insert update",
    "timers": "insert delete",
    "consumer_offsets": "insert update",
    "dead_letters": "insert update",
}
CHANGES = {
    **dict.fromkeys(SERVICES, SERVICE),
    "relay": {"relays": "update"},
    "projector": {"projections": "insert update delete"},
    "scheduler": {},
    "bookkeeper": dict.fromkeys(("closings", "account_turnovers", "trial_balances"), "insert"),
    "checkpointer": {"log_checkpoints": "insert", "signers": "update"},
}
"""What each process changes of schema danbao; whatever is not here, it may not."""
UNCHANGED = {
    "log_heads": {"shard", "incarnation"},
    "guarded_balances": {"shard", "account", "currency", "floor_minor"},
    "dead_letters": {
        "id", "service", "topic", "partition", "record_offset", "partition_key", "key", "value",
        "headers", "received_at", "requested_at", "requested_by", "discarded_by",
        "discarded_why", "topic_lost_at",
    },
}  # fmt: skip
"""Columns that a service may not change, of tables that it may."""
OFFSET = "INSERT INTO danbao.consumer_offsets VALUES ($1, 'danbao.x.events', 0, 1, 7, 7)"
LETTER = (
    "INSERT INTO danbao.dead_letters (service, topic, partition, record_offset, reason, detail,"
    " value, headers, received_at)"
    " VALUES ($1, 'danbao.x.events', 0, 7, 'event_failed', '', 'bytes', '[]', now())"
)
EVENT = (
    "INSERT INTO danbao.event_log VALUES (0, 1, 's', 1, 't', 1, 'k', gen_random_uuid(),"
    " gen_random_uuid(), 'c', NULL, NULL, now(), '{}', NULL, '', '')"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server whose database is set up, with a row of each service where that tells something."""
    started = PostgresServer(tmp_path_factory.mktemp("roles"), print)
    asyncio.run(started.start())
    try:
        asyncio.run(_fill(started.address))
        yield started
    finally:
        asyncio.run(started.stop())
        started.remove_outside_data()


async def _fill(dsn: str) -> None:
    await migrate(dsn)
    for service in SERVICES:
        async with acting(dsn, service) as connection:
            await connection.execute(OFFSET, service)
            await connection.execute(LETTER, service)
    async with acting(dsn, "escrow") as connection:
        await connection.execute(EVENT)
        await connection.execute(
            "INSERT INTO danbao.guarded_balances (shard, account, currency, balance_minor)"
            " VALUES (0, 'R.CUST.B-1.AVAILABLE', 'CNY', 5)"
        )


@pytest.fixture
def dsn(server: PostgresServer) -> str:
    return server.address


@asynccontextmanager
async def acting(dsn: str, process: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of a process, with its role."""
    connection = await connect(dsn, purpose="test", session=PATIENT, role=role_of(process))
    try:
        assert await connection.fetchval("SELECT current_user") == role_of(process)
        yield connection
    finally:
        await connection.close()


async def refused(connection: asyncpg.Connection, statement: str, *arguments: object) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement, *arguments)


def test_every_process_has_a_role_and_every_role_is_tried() -> None:
    """A process that is added without rights of its own would get those of all."""
    assert set(ROLES) == set(PROCESSES) == set(CHANGES)


@pytest.mark.parametrize("process", PROCESSES)
async def test_a_role_changes_what_its_process_changes_and_nothing_else(
    dsn: str, process: str
) -> None:
    """Every table of the schema, those of later migrations too, with everything that changes it."""
    async with acting(dsn, process) as connection:
        rows = await connection.fetch(
            "SELECT tablename AS name, has_any_column_privilege(t, 'INSERT') AS insert,"
            " has_any_column_privilege(t, 'UPDATE') AS update,"
            " has_table_privilege(t, 'DELETE') AS delete,"
            " has_table_privilege(t, 'TRUNCATE, REFERENCES, TRIGGER, SELECT WITH GRANT OPTION')"
            " AS more, has_table_privilege(t, 'SELECT') AS reads"
            " FROM (SELECT tablename, ('danbao.' || tablename)::regclass::oid AS t"
            " FROM pg_tables WHERE schemaname = 'danbao') AS tables"
        )
    found = {
        row["name"]: " ".join(verb for verb in ("insert", "update", "delete") if row[verb])
        for row in rows
    }
    assert found == {name: CHANGES[process].get(name, "") for name in found}
    assert all(row["reads"] and not row["more"] for row in rows)
    assert len(found) > 15


@pytest.mark.parametrize("table", SERVICE)
async def test_a_service_changes_no_column_but_those_it_must(dsn: str, table: str) -> None:
    """No password of a process lowers a floor, makes another log or rewrites a letter."""
    if "update" not in SERVICE[table]:
        return
    async with acting(dsn, "risk") as connection:
        rows = await connection.fetch(
            "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass"
            " AND attnum > 0 AND NOT attisdropped"
            " AND NOT has_column_privilege(attrelid, attnum, 'UPDATE')",
            f"danbao.{table}",
        )
        found = {row[0] for row in rows}
    assert found == UNCHANGED.get(table, set())


async def test_no_process_takes_on_the_role_of_another(dsn: str) -> None:
    """Else the rights of one were the rights of all."""
    async with acting(dsn, "relay") as connection:
        for one, other in permutations([*ROLES.values(), ROLE, READER], 2):
            is_member = await connection.fetchval(
                "SELECT pg_has_role($1, $2, 'MEMBER')", one, other
            )
            assert is_member == ((one, other) == (ROLE, role_of("projector"))), (one, other)


@pytest.mark.parametrize("process", [*PROCESSES, "of an older version"])
async def test_nobody_changes_what_was_recorded(dsn: str, process: str) -> None:
    """The log is append-only for each of them; and only services append."""
    async with acting(dsn, process) as connection:
        for statement in (
            "UPDATE danbao.event_log SET data = '{}'",
            "DELETE FROM danbao.event_log",
            "TRUNCATE danbao.event_log",
            "UPDATE danbao.inbox SET body = ''",
            "UPDATE danbao.log_checkpoints SET note = ''",
            "UPDATE danbao.log_heads SET incarnation = gen_random_uuid()",
            "UPDATE danbao.guarded_balances SET floor_minor = -1000000",
            "UPDATE danbao.dead_letters SET value = NULL",
        ):
            is_old = process not in PROCESSES
            if is_old and any(word in statement for word in ("heads", "balances", "letters")):
                continue  # danbao_engine keeps what it always had
            await refused(connection, statement)
        if process in ROLES and process not in SERVICES:
            await refused(connection, EVENT)


async def test_a_service_touches_its_own_offsets_alone(dsn: str) -> None:
    """Whoever moves another's offset skips commands, or has them handled again."""
    async with acting(dsn, "risk") as connection:
        seen = await connection.fetch("SELECT service FROM danbao.consumer_offsets")
        assert [row[0] for row in seen] == ["risk"]
        for service, changed in (("escrow", "UPDATE 0"), ("risk", "UPDATE 1")):
            query = "UPDATE danbao.consumer_offsets SET next_offset = 8 WHERE service = $1"
            assert await connection.execute(query, service) == changed
        await refused(connection, OFFSET.replace(", 0, 1,", ", 1, 1,"), "escrow")
        await refused(connection, "UPDATE danbao.consumer_offsets SET service = 'escrow'")


async def test_a_service_touches_its_own_dead_letters_alone(dsn: str) -> None:
    """A letter that another calls retried would never be handled."""
    async with acting(dsn, "risk") as connection:
        seen = await connection.fetch("SELECT service FROM danbao.dead_letters")
        assert [row[0] for row in seen] == ["risk"]
        assert await connection.execute("UPDATE danbao.dead_letters SET tries = 1") == "UPDATE 1"
        await refused(connection, LETTER.replace(", 0, 7,", ", 1, 7,"), "escrow")


@pytest.mark.parametrize(
    "role", [ROLE, READER, "pg_read_all_data", *map(role_of, ("relay", "scheduler"))]
)
async def test_all_others_see_the_rows_of_every_service(dsn: str, role: str) -> None:
    """Lag, alerts, `danbao dead-letters` and older processes are not blinded, nor told less."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"SET ROLE {role}")
        for table in ("consumer_offsets", "dead_letters"):
            count = await connection.fetchval(f"SELECT count(*) FROM danbao.{table}")
            assert count == len(SERVICES), (role, table)
    finally:
        await connection.close()


async def test_a_login_that_inherits_from_a_service_is_held_to_its_rows_too(dsn: str) -> None:
    """RESET ROLE is no way out: such a login sees no rows of others."""
    login = await make_login(dsn, "inheriting", role_of("risk"), inherits=True)
    connection = await asyncpg.connect(login)
    try:
        assert await connection.fetchval("SELECT count(*) FROM danbao.consumer_offsets") == 0
        statement = "UPDATE danbao.consumer_offsets SET next_offset = 0"
        assert await connection.execute(statement) == "UPDATE 0"
    finally:
        await connection.close()


async def test_a_login_of_one_process_starts_that_process_and_no_other(dsn: str) -> None:
    """It says so by a code and what to grant, before anything is written."""
    login = await make_login(dsn, "only_risk", role_of("risk"))
    await check_start("risk", login, PARTITIONS, sandbox=False)
    found = await examine_postgres(login, process="risk")
    assert {each.name for each in found if each.status is not Status.OK} == set(), "it sees all"

    with pytest.raises(CheckError) as caught:
        await check_start("escrow", login, PARTITIONS, sandbox=False)

    assert caught.value.code == "postgres_role_missing"
    assert "GRANT danbao_escrow TO only_risk" in caught.value.todo


async def test_a_login_of_the_engine_works_as_before_and_is_told(dsn: str) -> None:
    """Logins that were made for one role for all need nothing on the day of the upgrade."""
    login = await make_login(dsn, "as_before", ROLE)
    await check_start("escrow", login, PARTITIONS, sandbox=False)
    connection = await connect(login, purpose="test", role=role_of("escrow"))
    try:
        assert await connection.fetchval("SELECT current_user") == ROLE
    finally:
        await connection.close()

    found = await examine_postgres(login, process="escrow")

    [finding] = [each for each in found if each.code == "postgres_role_wide"]
    assert finding.status is Status.WARN
    assert "GRANT danbao_escrow TO as_before" in finding.todo
