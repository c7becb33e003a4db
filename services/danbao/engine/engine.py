"""The engine: find or start the servers, set them up, run every process, stop it all again."""

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import replace

import psutil

from danbao.app import PROCESSES, SERVICES
from danbao.engine.clock import settle_sandbox
from danbao.engine.ready import Claims, all_say_so, is_ready, read_claims
from danbao.engine.record import EngineRecord, last_record, read_record, write_record
from danbao.engine.signing_key import ensure_key
from danbao.engine.supervisor import Supervisor
from danbao.kernel.errors import SetupError
from danbao.kernel.findings import Status, refuse_faults
from danbao.kernel.history import check_history
from danbao.kernel.kafka.checks import examine_kafka
from danbao.kernel.migrate import migrate
from danbao.kernel.postgres.checks import CONNECTIONS_MIN, examine_postgres, recorded_topics
from danbao.kernel.postgres.connection import PATIENT, connect
from danbao.kernel.settings import Settings
from danbao.kernel.topics import declared_topics, ensure_topics
from danbao.servers import Addresses, LocalServers, ServerError

LOOK_EVERY_S = 0.1
MADE_BY_SET_UP = ("schema_older",)
"""Findings that a start mends itself."""


class Engine:
    """Everything that runs on this machine for one home."""

    def __init__(
        self, settings: Settings, workers: Mapping[str, int], report: Callable[[str], None]
    ) -> None:
        self.settings = without_own_addresses(replace(settings, home=settings.home.absolute()))
        self._workers = workers
        self._report = report
        given = Addresses(self.settings.postgres_dsn, self.settings.kafka_bootstrap)
        self.servers = LocalServers(self.settings.home, report, given=given)
        self.supervisor = Supervisor(self.settings.home, {})
        self._claims_before: Claims = {}
        self._servers_started = 0

    async def start(self) -> None:
        """Start all; when this returns, every process has been started.

        Raises:
            SetupError: an engine runs in this home already, or the servers are not fit.
            ServerError: a server could not be started.
        """
        home = self.settings.home
        home.mkdir(parents=True, exist_ok=True)
        if running := read_record(home):
            raise SetupError(
                f"an engine runs here already (process {running.pid})",
                todo="Stop it with `danbao down`, or choose another DANBAO_HOME.",
            )
        await self.servers.start()
        addresses = self.servers.addresses
        self.settings = replace(
            self.settings,
            postgres_dsn=addresses.postgres_dsn,
            kafka_bootstrap=addresses.kafka_bootstrap,
        )
        processes = sum(self._workers.get(name, 1) for name in PROCESSES)
        await set_up(self.settings, self._report, connections=2 * processes)
        self._report("starting the services")
        connection = await connect(addresses.postgres_dsn, purpose="set-up", session=PATIENT)
        try:
            self._claims_before = await read_claims(connection)
        finally:
            await connection.close()
        self.supervisor.environment = {
            "DANBAO_POSTGRES_DSN": addresses.postgres_dsn,
            "DANBAO_KAFKA_BOOTSTRAP": addresses.kafka_bootstrap,
            "DANBAO_HOME": str(home),
            "DANBAO_SANDBOX": str(int(self.settings.sandbox)),
        }
        for name in PROCESSES:
            for worker in range(self._workers.get(name, 1)):
                self.supervisor.add(name, worker)
        self._servers_started = len(self.servers.processes)
        await self.look()

    async def look(self) -> None:
        """Watch servers and processes, start again what died, write down what changed."""
        changed = self.supervisor.look()
        if len(self.servers.processes) < self._servers_started:
            self._report("a server died: starting it again")
            try:
                await self.servers.start()
                changed = True
            except ServerError as error:
                self._report(f"it does not start: {error}")
        if changed:
            self._record()

    async def wait_until_ready(self, stop: asyncio.Event) -> None:
        """Return when all parts work, or when `stop` is set.

        Raises:
            SetupError: a process refuses to run; its last words are in the message.
        """
        settings = self.settings
        connection = await connect(settings.postgres_dsn, purpose="ready", session=PATIENT)
        try:
            while not (
                await is_ready(connection, self._claims_before, settings.partitions)
                and await all_say_so(self._worker_addresses())
            ):
                if stop.is_set():
                    return
                await self.look()
                for child in self.supervisor.children:
                    if child.refused:
                        why, todo = child.refusal()
                        raise SetupError(f"{child.name} refuses to run:\n{why}", todo=todo)
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            connection.terminate()

    def _worker_addresses(self) -> list[str]:
        """Where the workers of services say whether they are ready."""
        children = self.supervisor.children
        return [c.health for c in children if c.process_name in SERVICES and c.health]

    async def stop(self) -> None:
        """Stop processes, then servers."""
        await self.supervisor.stop()
        await self.servers.stop()

    def _record(self) -> None:
        processes = {
            child.name: child.pid for child in self.supervisor.children if child.pid is not None
        }
        processes.update((server.name, server.pid) for server in self.servers.processes)
        record = EngineRecord(
            pid=os.getpid(),
            started=psutil.Process().create_time(),
            postgres_dsn=self.settings.postgres_dsn,
            kafka_bootstrap=self.settings.kafka_bootstrap,
            partitions=self.settings.partitions,
            processes=processes,
            health={child.name: child.health for child in self.supervisor.children if child.pid},
            servers_are_ours=self._servers_started > 0,
        )
        write_record(self.settings.home, record)


def without_own_addresses(settings: Settings) -> Settings:
    """Take addresses in the environment for what they are when `danbao env` put them there.

    They name this home's own servers of last time, which are ours to start, not given ones.
    """
    last = last_record(settings.home)
    if last is None or not last.servers_are_ours:
        return settings
    own = {last.postgres_dsn, last.kafka_bootstrap}
    return replace(
        settings,
        postgres_dsn="" if settings.postgres_dsn in own else settings.postgres_dsn,
        kafka_bootstrap="" if settings.kafka_bootstrap in own else settings.kafka_bootstrap,
    )


async def set_up(
    settings: Settings,
    report: Callable[[str], None],
    *,
    connections: int = CONNECTIONS_MIN,
    with_post: bool = True,
) -> None:
    """Bring tables and topics to what this version needs; safe to run any number of times.

    `connections` is how many to Postgres the engine is about to open.  Without `post` migrations
    processes of the version before may go on beside those of this one.

    Raises:
        SetupError: Postgres could lose commits, topics are not as they were made, or anything else
            that `danbao doctor` would call missing.
    """
    dsn = settings.postgres_dsn
    found = await examine_postgres(dsn, partitions=settings.partitions, connections=connections)
    refuse_faults(finding for finding in found if finding.code not in MADE_BY_SET_UP)
    applied = await migrate(dsn, with_post=with_post)
    await settle_sandbox(dsn, sandbox=settings.sandbox)
    if applied:
        report(f"made the tables ({len(applied)} migrations)")
    recorded = await recorded_topics(dsn)
    made = await ensure_topics(settings.kafka_bootstrap, settings.partitions, recorded)
    await _record_topics(dsn, settings.partitions, recorded)
    if made:
        report(f"made {len(made)} topics of {settings.partitions} partitions")
    topics = await examine_kafka(settings.kafka_bootstrap, await recorded_topics(dsn))
    refuse_faults(topics)
    if not made:
        await check_history(dsn, settings.kafka_bootstrap, settings.partitions)
    await ensure_key(dsn, settings.home, report)
    for finding in (*found, *topics):
        if finding.status is Status.WARN:
            report(f"warning ({finding.code}): {finding.name}: {finding.detail}. {finding.todo}")


async def _record_topics(dsn: str, partitions: int, recorded: Mapping[str, int]) -> None:
    """Write down which topics were made, and with how many partitions."""
    connection = await connect(dsn, purpose="set-up", session=PATIENT)
    try:
        missing = [topic for topic in declared_topics() if topic not in recorded]
        await connection.executemany(
            "INSERT INTO danbao.topics (topic, partitions) VALUES ($1, $2)",
            [(topic, partitions) for topic in missing],
        )
    finally:
        await connection.close()
