"""A backlog waits in Kafka, not in memory; and a Postgres that stands still ends nothing."""

import asyncio
import json
import logging
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import psutil
import pytest
from tests.integration.running_engine import RunningEngine, running_engine

from danbao.app import PROCESSES
from danbao.kernel.kafka.clients import make_producer
from danbao.kernel.records import partition_of

COMMANDS = 100_000
FROZEN_S = 20
MEGABYTES_MAX = 100
WORKED_OFF_WITHIN_S = 240
TOPIC = "danbao.accounts.commands"

pytestmark = pytest.mark.servers
log = logging.getLogger(__name__)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[RunningEngine]:
    """One worker a service."""
    with running_engine(tmp_path / "home") as running:
        yield running


async def publish(engine: RunningEngine, numbers: range) -> None:
    """Open so many accounts, as fast as Kafka takes the commands."""
    producer = make_producer(engine.kafka_bootstrap, client_id="test", linger_ms=20)
    await producer.start()
    try:
        for number in numbers:
            account = f"A-{number}"
            data = {"account_id": account, "kind": "personal", "tier": "III", "currency": "CNY"}
            headers = {
                "ce_specversion": "1.0",
                "ce_id": str(UUID(int=number)),
                "ce_type": "accounts.open_account.v1",
                "ce_source": "test",
                "ce_time": "2026-03-02T01:00:00Z",
                "ce_partitionkey": account,
                "content-type": "application/json",
            }
            await producer.send(
                TOPIC,
                json.dumps(data).encode(),
                account.encode(),
                partition=partition_of(account, engine.record.partitions),
                headers=[(name, value.encode()) for name, value in headers.items()],
            )
    finally:
        await producer.stop()


class Memory:
    """The most that each process of the engine had."""

    def __init__(self, engine: RunningEngine) -> None:
        self._engine = engine
        self.most: dict[str, int] = {}

    def look(self) -> None:
        for name, pid in self._engine.processes.items():
            if name.rpartition("-")[0] in PROCESSES:
                megabytes = psutil.Process(pid).memory_full_info().pss // 1_000_000
                self.most[name] = max(self.most.get(name, 0), megabytes)


async def answered(engine: RunningEngine) -> int:
    [row] = await engine.fetch("SELECT count(*) FROM danbao.inbox")
    count: int = row[0]
    return count


async def test_a_backlog_over_a_postgres_that_stands_still_costs_no_memory_and_no_process(
    engine: RunningEngine,
) -> None:
    """A minute's stop of the database must not become an outage of everything."""
    before, memory = engine.processes, Memory(engine)
    postgres = psutil.Process(engine.processes["postgres"])
    frozen = [postgres, *postgres.children(recursive=True)]
    for process in frozen:
        process.send_signal(signal.SIGSTOP)
    try:
        begun = time.monotonic()
        await publish(engine, range(1, COMMANDS + 1))
        while time.monotonic() < begun + FROZEN_S:  # what is tested is that time passes
            memory.look()
            await asyncio.sleep(0.5)
    finally:
        for process in frozen:
            process.send_signal(signal.SIGCONT)
    thawed = time.monotonic()
    while await answered(engine) < COMMANDS:
        assert time.monotonic() < thawed + WORKED_OFF_WITHIN_S
        memory.look()
        await asyncio.sleep(0.5)

    log.info("worked off in %.0f s, most MB: %s", time.monotonic() - thawed, memory.most)
    assert engine.processes == before, "a process was ended"
    assert max(memory.most.values()) <= MEGABYTES_MAX, memory.most
    assert await answered(engine) == COMMANDS
