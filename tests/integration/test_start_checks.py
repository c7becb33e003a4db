"""Each thing that would put money at risk is switched on on real servers, and refused by name."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from urllib.parse import urlsplit

import asyncpg
import pytest
from aiokafka.admin import NewPartitions
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from danbao.engine.engine import set_up
from danbao.kernel.findings import CheckError, Finding, Status
from danbao.kernel.kafka.clients import make_admin
from danbao.kernel.postgres.checks import examine_postgres
from danbao.kernel.settings import Settings
from danbao.kernel.topics import described
from danbao.servers import Addresses, LocalServers, postgres_config
from danbao.servers.ports import free_port, is_free

COMMANDS = "danbao.escrow.commands"
RELOADED_WITHIN_S = 10

pytestmark = pytest.mark.servers


@contextmanager
def sound_servers(home: Path) -> Iterator[Settings]:
    """Servers that were set up."""
    servers = LocalServers(home, print)

    async def start() -> Settings:
        await servers.start()
        addresses = servers.addresses
        made = Settings(
            postgres_dsn=addresses.postgres_dsn, kafka_bootstrap=addresses.kafka_bootstrap
        )
        await set_up(made, print)
        return made

    try:
        yield asyncio.run(start())
    finally:
        asyncio.run(servers.stop())
        servers.remove_outside_data()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Servers for all tests that leave them as they were."""
    with sound_servers(tmp_path_factory.mktemp("checks")) as made:
        yield made


@pytest.fixture
def own_settings(tmp_path: Path) -> Iterator[Settings]:
    """Servers for one test: what it does cannot be taken back."""
    with sound_servers(tmp_path) as made:
        yield made


async def sql(settings: Settings, *statements: str) -> object:
    connection = await asyncpg.connect(settings.postgres_dsn)
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        return await connection.fetchval(statements[-1])
    finally:
        await connection.close()


async def refusal(settings: Settings, **more: int) -> CheckError:
    """What a start says."""
    with pytest.raises(CheckError) as caught:
        await set_up(settings, print, **more)
    assert caught.value.todo
    return caught.value


async def test_a_second_start_on_sound_servers_finds_nothing(settings: Settings) -> None:
    """What follows is refused for what is wrong, not for anything else."""
    said: list[str] = []
    await set_up(settings, said.append)

    assert said == []


async def test_a_login_whose_commits_are_not_waited_for_is_refused(settings: Settings) -> None:
    """The one thing that no later check could mend."""
    await sql(settings, "ALTER ROLE CURRENT_USER SET synchronous_commit = off", "SELECT 1")
    try:
        error = await refusal(settings)
    finally:
        await sql(settings, "ALTER ROLE CURRENT_USER RESET synchronous_commit", "SELECT 1")

    assert (error.code, "synchronous_commit" in str(error)) == ("postgres_not_durable", True)


@pytest.mark.parametrize("name", ["fsync", "full_page_writes"])
async def test_a_server_that_may_lose_commits_is_refused(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Such a server is fast until the power fails."""

    def unsafe(**facts: int) -> dict[str, str]:
        return safe(**facts) | {name: "off"}

    safe = postgres_config.settings
    monkeypatch.setattr(postgres_config, "settings", unsafe)
    servers = LocalServers(tmp_path, print, given=Addresses("", settings.kafka_bootstrap))
    async with servers:
        error = await refusal(replace(settings, postgres_dsn=servers.addresses.postgres_dsn))
    servers.remove_outside_data()

    assert (error.code, name in str(error)) == ("postgres_not_durable", True)


async def test_a_full_postgres_is_refused_before_half_of_the_engine_runs(
    settings: Settings,
) -> None:
    """Ten processes of which three get no connection are worse than none."""
    async with AsyncExitStack() as stack:
        for _ in range(80):
            connection = await asyncpg.connect(settings.postgres_dsn)
            stack.push_async_callback(connection.close)
        error = await refusal(settings, connections=20)

    assert error.code == "postgres_full"


async def test_tables_of_a_newer_version_are_refused(settings: Settings) -> None:
    """Older code would not know what it overlooks."""
    newer = "'9999_post_later.sql'"
    await sql(settings, f"INSERT INTO danbao_migrations (name) VALUES ({newer}) RETURNING 1")
    try:
        error = await refusal(settings)
    finally:
        await sql(settings, f"DELETE FROM danbao_migrations WHERE name = {newer} RETURNING 1")

    assert error.code == "schema_newer"


async def test_another_partition_count_than_the_topics_have_is_refused(settings: Settings) -> None:
    """Keys would move, and with them the order of a flow."""
    other = replace(settings, partitions=settings.partitions + 1)

    assert (await refusal(other)).code == "partitions_differ"


async def test_an_unused_replication_slot_is_an_alarm(settings: Settings) -> None:
    """It fills the disk, slowly."""
    await sql(settings, "SELECT pg_create_physical_replication_slot('forgotten', true)")
    try:
        said: list[str] = []
        await set_up(settings, said.append)
    finally:
        await sql(settings, "SELECT pg_drop_replication_slot('forgotten')")

    assert any("postgres_slot_unused" in line and "forgotten" in line for line in said)


async def test_commands_that_would_be_deleted_too_soon_are_refused(settings: Settings) -> None:
    """A weekend's outage must not lose a command; longer than declared is fine."""
    for value, code in (("3600000", "topic_settings_changed"), ("-1", "")):
        await configure(settings, COMMANDS, {"retention.ms": value})
        if code:
            assert (await refusal(settings)).code == code
        else:
            await set_up(settings, print)


async def configure(settings: Settings, topic: str, values: dict[str, str]) -> None:
    """Set a topic's settings; those not named stay as declared."""
    admin = make_admin(settings.kafka_bootstrap, client_id="test")
    await admin.start()
    try:
        declared = {"cleanup.policy": "delete", "max.message.bytes": "1200000"}
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs=declared | values)
        await admin.alter_configs([resource])
    finally:
        await admin.close()


async def test_a_pooler_that_mixes_sessions_is_refused(settings: Settings) -> None:
    """Time-outs and roles are a session's; a pooler in transaction mode gives them to others."""
    async with pooled(settings, "transaction") as dsn:
        [finding] = [f for f in await examine_postgres(dsn) if f.status is Status.MISSING]
    assert finding.code == "postgres_pooled"
    async with pooled(settings, "session") as dsn:
        assert faults(await examine_postgres(dsn)) == []


def faults(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.status is Status.MISSING]


@asynccontextmanager
async def pooled(settings: Settings, mode: str) -> AsyncIterator[str]:
    """The same Postgres behind pgbouncer, which does not run as root either."""
    program = shutil.which("pgbouncer")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    given, port = urlsplit(settings.postgres_dsn), free_port()
    lines = (
        f"[databases]\n* = host=127.0.0.1 port={given.port} user={given.username} "
        f"password={given.password}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\npool_mode = {mode}\n"
        f"auth_type = any\nunix_socket_dir =\nignore_startup_parameters = extra_float_digits\n"
    )
    with NamedTemporaryFile("w", suffix=".ini", delete=False) as file:
        file.write(lines)
        os.fchmod(file.fileno(), 0o644)
    as_other = ["setpriv", "--reuid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    process = await asyncio.create_subprocess_exec(*as_other, program, file.name)
    dsn = given._replace(netloc=f"{given.username}@127.0.0.1:{port}").geturl()
    try:
        async with asyncio.timeout(RELOADED_WITHIN_S):
            while is_free(port):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        yield dsn
    finally:
        process.terminate()
        await process.wait()
        os.remove(file.name)  # noqa: PTH107 - a path object would be thought to block


async def test_a_topic_with_more_partitions_than_it_was_made_with_is_refused(
    own_settings: Settings,
) -> None:
    """Someone added them by hand: keys move, and with them the order of a flow."""
    admin = make_admin(own_settings.kafka_bootstrap, client_id="test")
    await admin.start()
    try:
        count = own_settings.partitions + 4
        await admin.create_partitions({COMMANDS: NewPartitions(count)})
        async with asyncio.timeout(RELOADED_WITHIN_S):  # the broker says so before it shows them
            while len((await described(admin, [COMMANDS]))[0]["partitions"]) != count:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        await admin.close()

    assert (await refusal(own_settings)).code == "topic_partitions_changed"
