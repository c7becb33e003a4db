"""The clock of one process jumps: nothing is recorded or sent at a wrong time."""

import asyncio
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.integration.running_engine import RunningEngine, running_engine

from danbao.kernel.clock import SystemClock
from danbao.testing.market import simulate_market, write_market

PLUGIN = Path(__file__).parent / "clock_plugin"
AHEAD, BACK, RIGHT = signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP
SEEN_WITHIN_S = 10

pytestmark = pytest.mark.servers


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[RunningEngine]:
    """An engine whose processes can be sent through time."""
    path = os.pathsep.join([str(PLUGIN), *sys.path])
    with running_engine(tmp_path / "home", PYTHONPATH=path) as running:
        yield running


def reasons(engine: RunningEngine, name: str) -> list[str]:
    """Why a process is not ready."""
    try:
        with urllib.request.urlopen(f"{engine.record.health[name]}/readyz", timeout=5):
            return []
    except urllib.error.HTTPError as error:
        with error:
            return list(json.load(error)["reasons"])


async def until_ready_is(engine: RunningEngine, name: str, *, ready: bool) -> list[str]:
    deadline = time.monotonic() + SEEN_WITHIN_S
    while (not (why := reasons(engine, name))) is not ready:
        assert time.monotonic() < deadline, why
        await asyncio.sleep(0.1)
    return why


async def test_a_process_whose_clock_jumps_records_and_sends_at_the_right_time(
    engine: RunningEngine, tmp_path: Path
) -> None:
    """Whoever sets a clock wrong on one machine pays nobody out too early."""
    before = SystemClock().now()
    pids = engine.processes
    for name, jump in (("escrow-0", AHEAD), ("settlement-0", BACK), ("relay-0", AHEAD)):
        os.kill(pids[name], jump)
    os.kill(pids["scheduler-0"], AHEAD)

    files = write_market(simulate_market(trades=20, seed=3), tmp_path / "market")
    publishing = asyncio.create_task(engine.publish(files))

    [why] = await until_ready_is(engine, "scheduler-0", ready=False)
    assert "from that of Postgres" in why
    os.kill(pids["scheduler-0"], RIGHT)
    await until_ready_is(engine, "scheduler-0", ready=True)
    await publishing  # some of its flows waited for deadlines meanwhile
    await engine.wait_idle()
    rows = await engine.fetch("SELECT recorded_at FROM danbao.event_log ORDER BY position")
    times = [row["recorded_at"] for row in rows]
    assert times == sorted(times)
    assert before <= times[0]
    assert times[-1] <= SystemClock().now() + timedelta(seconds=5)
    [relay] = await engine.fetch(
        "SELECT lease_until - clock_timestamp() AS left FROM danbao.relays"
    )
    assert relay["left"] < timedelta(seconds=10), "a dead relay could be replaced at once"
    assert engine.processes == pids
    assert await engine.audit() == []
