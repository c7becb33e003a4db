"""Real Kafka and Postgres in a temporary home: they start, survive a kill, and leave nothing."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import NewTopic

from danbao.kernel.kafka.clients import make_admin, make_consumer, make_producer
from danbao.servers import Addresses, LocalServers, ServerCode, ServerError

pytestmark = pytest.mark.servers

END_S = 15
KILLED_PARENT = """
import asyncio, json, os, signal, sys, threading
from pathlib import Path
from danbao.servers import LocalServers

async def main():
    servers = LocalServers(Path(sys.argv[1]), lambda line: None)
    await servers.start()
    print(json.dumps([each.pid for each in servers.processes]), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

def run():
    asyncio.run(main())

if sys.argv[2] == "main":
    run()
else:
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One home for all tests of this file, so that only the first start makes data folders."""
    folder = tmp_path_factory.mktemp("servers") / "home"
    yield folder
    LocalServers(folder, print).remove_outside_data()


@pytest.fixture
async def servers(home: Path) -> AsyncIterator[LocalServers]:
    """Both servers, started."""
    async with LocalServers(home, print) as started:
        yield started


async def ask(servers: LocalServers, statement: str, *arguments: object) -> object:
    """Run one statement on a connection of its own."""
    connection = await asyncpg.connect(servers.addresses.postgres_dsn)
    try:
        return await connection.fetchval(statement, *arguments)
    finally:
        await connection.close()


async def produce(servers: LocalServers, topic: str, value: bytes) -> None:
    """Create the topic if need be and write one record."""
    bootstrap = servers.addresses.kafka_bootstrap
    admin = make_admin(bootstrap, client_id="test-admin")
    await admin.start()
    try:
        if topic not in await admin.list_topics():
            await admin.create_topics([NewTopic(topic, 2, 1)])
    finally:
        await admin.close()
    producer = make_producer(bootstrap, client_id="test", transactional_id=f"test-{topic}")
    await producer.start()
    try:
        async with producer.transaction():
            await producer.send_and_wait(topic, value, partition=1)
    finally:
        await producer.stop()


async def consume(servers: LocalServers, topic: str, count: int) -> list[bytes | None]:
    """Read the first records of the topic."""
    consumer = make_consumer(servers.addresses.kafka_bootstrap, client_id="test")
    await consumer.start()
    try:
        place = TopicPartition(topic, 1)
        consumer.assign([place])
        consumer.seek(place, 0)
        async with asyncio.timeout(END_S):
            return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


def family(pids: list[int]) -> list[psutil.Process]:
    """Return the processes with all their children."""
    parents = [psutil.Process(pid) for pid in pids]
    return parents + [child for each in parents for child in each.children(recursive=True)]


async def all_ended(processes: list[psutil.Process]) -> bool:
    """Say whether all processes end in time; one that only nobody has waited for has ended."""
    for _ in range(END_S * 20):
        if not any(map(lives, processes)):
            return True
        await asyncio.sleep(0.05)
    return False


def lives(process: psutil.Process) -> bool:
    """Say whether the process still does something."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def test_both_servers_answer(servers: LocalServers) -> None:
    """The promise of `danbao up` on a machine with Python alone."""
    await produce(servers, "answers", b"one")

    assert await ask(servers, "SELECT 1") == 1
    assert await consume(servers, "answers", 1) == [b"one"]
    assert [each.name for each in servers.processes] == ["postgres", "kafka"]


async def test_postgres_is_durable_and_private(servers: LocalServers) -> None:
    """The engine refuses to run on a database that may lose what it acknowledged."""
    expected = {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "data_checksums": "on",
        "listen_addresses": "127.0.0.1",
        "server_encoding": "UTF8",
        "password_encryption": "scram-sha-256",
    }

    found = {name: await ask(servers, "SELECT current_setting($1)", name) for name in expected}

    assert found == expected


async def test_a_wrong_password_is_refused(servers: LocalServers) -> None:
    """Another user of the machine reaches the port, but not the money."""
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(servers.addresses.postgres_dsn, password="guessed")


async def test_a_killed_postgres_comes_back_with_its_data_and_port(servers: LocalServers) -> None:
    """A commit that was acknowledged survives `kill -9`."""
    before = servers.addresses
    await ask(servers, "CREATE TABLE IF NOT EXISTS kept (id int)")
    await ask(servers, "INSERT INTO kept VALUES (7)")

    servers.kill("postgres")
    assert [each.name for each in servers.processes] == ["kafka"]
    await servers.start()

    assert servers.addresses == before
    assert await ask(servers, "SELECT max(id) FROM kept") == 7


async def test_a_killed_kafka_comes_back_with_its_data_and_port(servers: LocalServers) -> None:
    """A committed record survives `kill -9` of the broker."""
    before = servers.addresses
    await produce(servers, "kept", b"before")

    servers.kill("kafka")
    assert [each.name for each in servers.processes] == ["postgres"]
    await servers.start()
    await produce(servers, "kept", b"after")

    assert servers.addresses == before
    assert await consume(servers, "kept", 2) == [b"before", b"after"]


async def test_a_restart_keeps_addresses_and_changes_processes(servers: LocalServers) -> None:
    """A supervisor restarts a server without telling the workers a new address."""
    addresses, before = servers.addresses, servers.processes

    await servers.restart_postgres()
    await servers.restart_kafka()

    assert servers.addresses == addresses
    assert not {each.pid for each in before} & {each.pid for each in servers.processes}


async def test_stop_leaves_no_process_and_the_next_start_finds_the_data(
    home: Path,
) -> None:
    """A stopped engine uses nothing; a second start goes on where the first ended."""
    async with LocalServers(home, print) as first:
        addresses = first.addresses
        running = family([each.pid for each in first.processes])
        await ask(first, "CREATE TABLE IF NOT EXISTS second (id int)")
        await produce(first, "second", b"first run")
    assert await all_ended(running)

    async with LocalServers(home, print) as second:
        assert second.addresses == addresses
        assert await ask(second, "SELECT count(*) FROM second") == 0
        assert await consume(second, "second", 1) == [b"first run"]


async def test_a_home_belongs_to_one_process_at_a_time(servers: LocalServers) -> None:
    """A second `danbao up` must not end the servers of the first."""
    with pytest.raises(ServerError) as caught:
        await LocalServers(servers.home, print).start()

    assert caught.value.code == ServerCode.HOME_IN_USE
    assert len(servers.processes) == 2


@pytest.mark.parametrize("thread", ["main", "other"])
async def test_a_killed_parent_leaves_nothing_for_ever(home: Path, thread: str) -> None:
    """Started from the main thread the servers end with us; else the next start ends them."""
    parent = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", KILLED_PARENT, str(home), thread],
        capture_output=True,
        text=True,
        check=False,
    )
    assert parent.returncode == -signal.SIGKILL, parent.stderr
    running = [psutil.Process(pid) for pid in json.loads(parent.stdout) if psutil.pid_exists(pid)]

    if thread == "main":
        assert await all_ended(running)
    else:
        assert len(running) == 2
        assert all(map(lives, running))
    async with LocalServers(home, print) as servers:
        assert await ask(servers, "SELECT 1") == 1
        assert await all_ended(running)


async def test_a_given_address_starts_no_server(tmp_path: Path) -> None:
    """Each address may be given alone; with both nothing is written."""
    given = Addresses("postgresql://there", "there:9092")
    async with LocalServers(tmp_path / "home", print, given=given) as servers:
        assert servers.addresses == given
        assert servers.processes == []
    assert not (tmp_path / "home").exists()
