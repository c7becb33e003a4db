"""The local servers together: both start side by side, both stop, nothing stays behind."""

import asyncio
import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from danbao.servers.addresses import Addresses
from danbao.servers.early_writing import EarlyWriting
from danbao.servers.errors import ServerCode, ServerError
from danbao.servers.kafka import KafkaServer
from danbao.servers.postgres import PostgresServer


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server process, for a supervisor to show."""

    name: str
    pid: int


class LocalServers:
    """Kafka and Postgres with their data below one home.

    Start it from the main thread: then the servers end with this process even when it is killed.
    One process at a time may use a home; the system releases the lock when the process ends.
    """

    def __init__(
        self,
        home: Path,
        report: Callable[[str], None],
        *,
        given: Addresses | None = None,
    ) -> None:
        """Start nothing yet; a server whose address is given is not ours to start."""
        self.home = home.absolute()
        self._given = given or Addresses("", "")
        self._lock: int | None = None
        self._is_started = False
        self._early_writing = EarlyWriting(self._busy_folders)
        self.postgres = PostgresServer(self.home, report)
        self.kafka = KafkaServer(self.home, report)

    @property
    def addresses(self) -> Addresses:
        """Where the servers are; they may differ after a start on the same home.

        Raises:
            ServerError: `not_started`.
        """
        if not self._is_started:
            raise ServerError(ServerCode.NOT_STARTED, "The local servers are not started.")
        return Addresses(
            self._given.postgres_dsn or self.postgres.address,
            self._given.kafka_bootstrap or self.kafka.address,
        )

    @property
    def processes(self) -> list[RunningServer]:
        """The server processes that live now."""
        return [
            RunningServer(server.name, server.running.pid)
            for server in self._ours()
            if server.running is not None and server.running.poll() is None
        ]

    async def start(self) -> None:
        """Start what does not run; after a kill, on the same port and data.

        Raises:
            ServerError: see `PostgresServer.start` and `KafkaServer.start`; `home_in_use`.
        """
        if self._ours():
            self._hold_home()
            self._early_writing.start()
        stopped = [
            server
            for server in self._ours()
            if server.running is None or server.running.poll() is not None
        ]
        try:
            async with asyncio.TaskGroup() as group:
                for server in stopped:
                    group.create_task(server.start())
        except BaseException as error:
            await self.stop()
            if isinstance(error, ExceptionGroup):  # The first failure cancelled the other start.
                raise error.exceptions[0] from None
            raise
        self._is_started = True

    async def stop(self) -> None:
        """Stop both cleanly; may be called at any time and more than once."""
        self._early_writing.stop()
        await asyncio.gather(*(server.stop() for server in self._ours()))
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        self._is_started = False

    async def restart_postgres(self) -> None:
        """Stop Postgres cleanly, if it runs, and start it again."""
        await self.postgres.stop()
        await self.postgres.start()

    async def restart_kafka(self) -> None:
        """Stop Kafka cleanly, if it runs, and start it again."""
        await self.kafka.stop()
        await self.kafka.start()

    def kill(self, name: str) -> None:
        """Kill `postgres` or `kafka` without warning; `start` brings it back."""
        {server.name: server for server in self._ours()}[name].kill()

    def remove_outside_data(self) -> None:
        """Delete data that had to go outside the home; for tests, after `stop`."""
        self.postgres.remove_outside_data()

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

    def _ours(self) -> list[PostgresServer | KafkaServer]:
        """Return the servers whose address is not given."""
        ours: list[PostgresServer | KafkaServer] = []
        if not self._given.postgres_dsn:
            ours.append(self.postgres)
        if not self._given.kafka_bootstrap:
            ours.append(self.kafka)
        return ours

    def _busy_folders(self) -> list[Path]:
        return [folder for server in self._ours() for folder in server.busy_folders()]

    def _hold_home(self) -> None:
        """Keep other processes away from this home."""
        if self._lock is not None:
            return
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.home / "servers.lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise ServerError(
                ServerCode.HOME_NOT_WRITABLE,
                f"The folder {self.home} cannot be used: {error.strerror}.",
                todo="Run as its owner, or choose another DANBAO_HOME.",
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise ServerError(
                ServerCode.HOME_IN_USE,
                f"Another process runs the servers of {self.home}.",
                todo="Stop it (`danbao down`), or choose another DANBAO_HOME.",
            ) from None
        self._lock = lock
