"""A process that lives and does nothing is ended and started anew; one that waits is left alone."""

import asyncio
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.running_engine import RunningEngine, running_engine

from danbao.testing.market import simulate_market, write_market

PLUGIN = Path(__file__).parent / "stuck_plugin"
RESUMED_WITHIN_S = 30

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEngine]:
    """An engine whose processes can be got stuck by a signal."""
    home = tmp_path_factory.mktemp("stuck") / "home"
    with running_engine(home, PYTHONPATH=os.pathsep.join([str(PLUGIN), *sys.path])) as running:
        yield running


def probe(engine: RunningEngine, name: str, path: str) -> tuple[int, list[str]]:
    """What a process answers."""
    try:
        with urllib.request.urlopen(engine.record.health[name] + path, timeout=5) as answer:
            return answer.status, json.load(answer)["reasons"]
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["reasons"]


async def until_replaced(engine: RunningEngine, name: str, pid: int) -> None:
    """Return when another process runs in its place and is ready."""
    deadline = time.monotonic() + RESUMED_WITHIN_S
    while True:
        if engine.processes.get(name, pid) != pid:
            try:
                if probe(engine, name, "/readyz")[0] == 200:
                    return
            except OSError:
                pass  # it does not listen yet
        assert time.monotonic() < deadline, f"{name} was not replaced"
        await asyncio.sleep(0.1)


def log_of(engine: RunningEngine, name: str) -> str:
    return (engine.home / "logs" / f"{name}.log").read_text()


async def test_every_process_says_that_it_is_alive_and_ready(engine: RunningEngine) -> None:
    """A prober can tell a process that works from one that does not."""
    for name in engine.record.health:
        assert probe(engine, name, "/livez") == (200, [])
        deadline = time.monotonic() + RESUMED_WITHIN_S
        while probe(engine, name, "/readyz") != (200, []):
            assert time.monotonic() < deadline, probe(engine, name, "/readyz")
            await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    ("seed", "name", "number"),
    [
        (1, "escrow-0", signal.SIGUSR1),
        (2, "relay-0", signal.SIGUSR2),
        (3, "projector-0", signal.SIGUSR2),
    ],
)
async def test_a_stuck_process_is_replaced_and_its_work_goes_on(
    engine: RunningEngine, tmp_path: Path, seed: int, name: str, number: int
) -> None:
    """Nobody has to notice by hand that payments wait: within half a minute they go on."""
    pid = engine.processes[name]
    os.kill(pid, number)
    files = write_market(simulate_market(trades=5, seed=seed), tmp_path / "market")

    published = asyncio.create_task(engine.publish(files))
    await until_replaced(engine, name, pid)
    await published

    assert '"event": "process.stuck"' in log_of(engine, name)
    assert await engine.audit() == []


async def test_nothing_to_do_is_not_being_stuck(engine: RunningEngine) -> None:
    """An engine at night is left in peace."""
    await engine.wait_idle()
    before = engine.processes
    await asyncio.sleep(35)  # more than twice what counts as stuck: that nothing happens takes time

    assert engine.processes == before
