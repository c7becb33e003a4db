"""Every test of this folder runs twice: on memory, and on the real server of its port.

`database` opens stores on one empty database, `broker` makes sources and sinks on one broker; what
they look into besides the ports is only what the promise is about (hashes, balances, records).
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from tests.conformance.brokers import Broker, KafkaBroker, OnMemory
from tests.conformance.databases import Database, MemoryDatabase, PostgresDatabase

from danbao.kernel.migrate import migrate
from danbao.kernel.topics import ensure_topics
from danbao.servers import LocalServers

PARTITIONS = 8
TEMPLATE = "danbao_template"
REAL = pytest.mark.servers


class Lazy:
    """Servers that start at the first question for an address."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._servers: LocalServers | None = None
        self._databases = 0

    def start(self) -> LocalServers:
        """Start both, make the topics and a migrated template, once."""
        if self._servers is None:
            self._servers = LocalServers(self._home, print)
            asyncio.run(self._servers.start())
            asyncio.run(self._prepare())
        return self._servers

    def bootstrap(self) -> str:
        """Where Kafka is."""
        return self.start().addresses.kafka_bootstrap

    async def create_database(self) -> str:
        """Make an empty, migrated database; gives its address."""
        self._databases += 1
        name = f"danbao_test_{self._databases}"
        await self._admin(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        return self._dsn(name)

    def stop(self) -> None:
        """Stop what was started."""
        if self._servers is not None:
            asyncio.run(self._servers.stop())
            self._servers.remove_outside_data()

    async def _prepare(self) -> None:
        await self._admin(f"CREATE DATABASE {TEMPLATE}")
        await migrate(self._dsn(TEMPLATE))
        await ensure_topics(self.bootstrap(), PARTITIONS, {})

    async def _admin(self, statement: str) -> None:
        connection = await asyncpg.connect(self.start().addresses.postgres_dsn)
        await connection.execute(statement)
        await connection.close()

    def _dsn(self, name: str) -> str:
        base, _, query = self.start().addresses.postgres_dsn.partition("?")
        address = f"{base.rpartition('/')[0]}/{name}"
        return f"{address}?{query}" if query else address


@pytest.fixture(scope="session")
def real_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lazy]:
    """Start Kafka and Postgres when the first test asks for them."""
    lazy = Lazy(tmp_path_factory.mktemp("servers"))
    yield lazy
    lazy.stop()


@pytest.fixture(params=["memory", pytest.param("postgres", marks=REAL)])
def postgres(request: pytest.FixtureRequest) -> Lazy | None:
    """The servers, started outside of any event loop; None stands for memory."""
    return _started(request)


@pytest.fixture(params=["memory", pytest.param("kafka", marks=REAL)])
def kafka(request: pytest.FixtureRequest) -> Lazy | None:
    """The servers, started outside of any event loop; None stands for memory."""
    return _started(request)


def _started(request: pytest.FixtureRequest) -> Lazy | None:
    if request.param == "memory":
        return None
    lazy: Lazy = request.getfixturevalue("real_servers")
    lazy.start()
    return lazy


@pytest.fixture
async def database(postgres: Lazy | None) -> AsyncIterator[Database]:
    """An empty database."""
    made: Database
    made = PostgresDatabase(await postgres.create_database()) if postgres else MemoryDatabase()
    yield made
    await made.close()


@pytest.fixture
async def broker(kafka: Lazy | None) -> AsyncIterator[Broker]:
    """A broker with the engine's topics; other tests may have published there before."""
    made: Broker
    made = KafkaBroker(kafka.bootstrap(), PARTITIONS) if kafka else OnMemory(PARTITIONS)
    yield made
    await made.close()
