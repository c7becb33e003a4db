"""A Postgres in which each process has its own login: a whole trade, and every helper at work."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from tests.audit.runner import audit
from tests.integration.running_engine import environment, remove_data
from tests.integration.signing_in import make_login

from danbao.app import PROCESSES
from danbao.engine.engine import set_up
from danbao.kernel.postgres.connection import role_of
from danbao.kernel.settings import Settings
from danbao.publisher import Limits, publish, read_command_file
from danbao.servers import LocalServers
from danbao.servers.process import Program, spawn

pytestmark = pytest.mark.servers

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
FILES = ("accounts.jsonl", "trade.jsonl")
WITHIN_S = 60
BOOKS_EVERY = 4
WORKED = """
SELECT (SELECT state = 'TRADE_SUCCESS' FROM danbao_read.trades WHERE trade_id = 'T-1') AS projector,
    (SELECT min(checkpoint) = max(h.position) FROM danbao.projections) AS all_models,
    (SELECT confirmed_position = h.position FROM danbao.relays) AS relay,
    (SELECT max(upto) + $1 > h.position FROM danbao.closings) AS bookkeeper,
    (SELECT max(size) = h.position FROM danbao.log_checkpoints) AS checkpointer
FROM danbao.log_heads AS h GROUP BY h.position
"""


@pytest.fixture
async def settings(tmp_path: Path) -> AsyncIterator[Settings]:
    """Both servers, set up by the owner of the tables."""
    servers = LocalServers(tmp_path, lambda _: None)
    try:
        async with servers:
            addresses = servers.addresses
            made = replace(
                Settings(),
                home=tmp_path,
                partitions=2,
                postgres_dsn=addresses.postgres_dsn,
                kafka_bootstrap=addresses.kafka_bootstrap,
            )
            await set_up(made, lambda _: None)
            yield made
    finally:
        servers.remove_outside_data()
        remove_data(tmp_path)


@asynccontextmanager
async def running(settings: Settings, logins: Mapping[str, str]) -> AsyncIterator[None]:
    """Run every process, each with its own login."""
    running = {}
    for name, login in logins.items():
        more = {
            "DANBAO_POSTGRES_DSN": login,
            "DANBAO_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
            "DANBAO_PARTITIONS": str(settings.partitions),
            "DANBAO_BOOKS_CLOSE_EVERY": str(BOOKS_EVERY),
        }
        command = [sys.executable, "-m", "danbao", "run", name]
        log = settings.home / "logs" / f"{name}.log"
        running[name] = spawn(Program(command, log, environment=environment(settings.home, more)))
    try:
        yield
        ended = [name for name, process in running.items() if process.poll() is not None]
        assert not ended, "processes ended by themselves"
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            await asyncio.to_thread(process.wait, 10)


async def all_worked(database: asyncpg.Connection) -> None:
    """Wait until every process has done its work; NULL is one that has written nothing yet."""
    ends = time.monotonic() + WITHIN_S
    while not all((row := dict(*await database.fetch(WORKED, BOOKS_EVERY))).values()):
        assert time.monotonic() < ends, row
        await asyncio.sleep(0.1)


async def test_a_whole_trade_goes_through_with_a_login_for_each_process(settings: Settings) -> None:
    """Nothing that a process does on a good day needs more than its role has."""
    dsn = settings.postgres_dsn
    logins = {name: await make_login(dsn, f"p_{name}", role_of(name)) for name in PROCESSES}
    database = await asyncpg.connect(dsn)
    try:
        async with running(settings, logins):
            for name in FILES:
                plan = [list(read_command_file(EXAMPLES / name))]
                limits = Limits(timeout_s=WITHIN_S)
                summary = await publish(settings.kafka_bootstrap, plan, limits=limits)
                assert summary.refusals == {}
            await all_worked(database)
            users = await database.fetch(
                "SELECT DISTINCT usename FROM pg_stat_activity WHERE application_name LIKE $1"
                " AND usename = ANY ($2)",
                "danbao %",
                [f"p_{name}" for name in PROCESSES],
            )
            assert len(users) == len(PROCESSES), "each came as itself"
        assert await audit(dsn, settings.kafka_bootstrap) == []
    finally:
        await database.close()
    for log in (settings.home / "logs").glob("*.log"):
        words = log.read_text(errors="replace")
        assert "permission denied" not in words, words[-2000:]
        assert "role.widened" not in words, words[-2000:]
