"""Kafka and Postgres from a Docker engine, with the optional package testcontainers.

Untried: no engine runs where danbao was built; only the finding of an engine is tested. The
data ends with the containers, so this is for tests; `infra/compose.yaml` keeps data.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from danbao.servers.addresses import Addresses
from danbao.servers.errors import ServerCode, ServerError
from danbao.servers.kafka_config import MESSAGE_BYTES_MAX
from danbao.servers.local import RunningServer
from danbao.servers.postgres_config import DATABASE, OWNER

POSTGRES_IMAGE = "postgres:18"
KAFKA_IMAGE = "confluentinc/cp-kafka:8.1.0"
ASK_S = 1.0
PING = b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n"


def is_usable(environment: Mapping[str, str]) -> bool:
    """Say whether testcontainers is installed and an engine answers; takes a second at most."""
    return find_spec("testcontainers") is not None and engine_answers(environment)


def engine_answers(environment: Mapping[str, str]) -> bool:
    """Ask the engine itself: a `docker` program proves nothing, it may be a client alone."""
    return any(_answers(address) for address in _engine_addresses(environment))


class DockerServers:
    """The servers whose address is not given, each in a container."""

    def __init__(self, given: Addresses, report: Callable[[str], None]) -> None:
        self._given = given
        self._report = report
        self._addresses = given
        self._containers: list[Any] = []

    @property
    def addresses(self) -> Addresses:
        """Where the servers are, after `start`."""
        return self._addresses

    @property
    def processes(self) -> list[RunningServer]:
        """None: the containers belong to the engine."""
        return []

    async def start(self) -> None:
        """Start the containers side by side.

        Raises:
            ServerError: `docker_start_failed`.
        """
        if self._containers:
            return
        self._report("starting containers")
        try:
            postgres, kafka = await asyncio.gather(
                asyncio.to_thread(self._start_postgres), asyncio.to_thread(self._start_kafka)
            )
        except Exception as error:  # testcontainers raises what its parts raise.
            await self.stop()
            raise ServerError(
                ServerCode.DOCKER_START_FAILED,
                f"The Docker engine answers, but a container did not start: {error}",
                todo="Set DANBAO_SERVERS=native to do without Docker.",
            ) from error
        self._addresses = Addresses(postgres, kafka)

    async def stop(self) -> None:
        """Remove the containers and their data."""
        while self._containers:
            await asyncio.to_thread(self._containers.pop().stop)
        self._addresses = self._given

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        await self.stop()

    def _start_postgres(self) -> str:
        """Start Postgres unless its address is given, and return the address."""
        if self._given.postgres_dsn:
            return self._given.postgres_dsn
        from testcontainers.postgres import PostgresContainer  # noqa: PLC0415 - optional package

        container = PostgresContainer(
            POSTGRES_IMAGE, username=OWNER, password=OWNER, dbname=DATABASE, driver=None
        )
        container.with_env("POSTGRES_INITDB_ARGS", "--data-checksums --locale=C -E UTF8")
        self._containers.append(container)
        return str(container.start().get_connection_url())

    def _start_kafka(self) -> str:
        """Start Kafka unless its address is given, and return the address."""
        if self._given.kafka_bootstrap:
            return self._given.kafka_bootstrap
        from testcontainers.kafka import KafkaContainer  # noqa: PLC0415 - optional package

        container = KafkaContainer(KAFKA_IMAGE).with_kraft()
        for name, value in {
            "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
            "KAFKA_LOG_RETENTION_MS": "-1",
            "KAFKA_MESSAGE_MAX_BYTES": str(MESSAGE_BYTES_MAX),
            "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
            "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        }.items():
            container.with_env(name, value)
        self._containers.append(container)
        return str(container.start().get_bootstrap_server())


def _engine_addresses(environment: Mapping[str, str]) -> list[str]:
    """Return where an engine may listen; DOCKER_HOST alone when it is set."""
    if host := environment.get("DOCKER_HOST"):
        return [host]
    per_user = Path(environment.get("HOME", "/")) / ".docker" / "run" / "docker.sock"
    return ["unix:///var/run/docker.sock", f"unix://{per_user}"]


def _answers(address: str) -> bool:
    """Send a ping to one address; an address of another kind than unix or tcp does not answer."""
    parts = urlsplit(address)
    try:
        if parts.scheme == "unix":
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        elif parts.scheme == "tcp" and parts.hostname:
            target = (parts.hostname, parts.port or 2375)
            connection = socket.create_connection(target, timeout=ASK_S)
        else:
            return False
        with connection:
            connection.settimeout(ASK_S)
            if parts.scheme == "unix":
                connection.connect(parts.path)
            connection.sendall(PING)
            return b" 200 " in connection.recv(64)
    except (OSError, ValueError):
        return False
