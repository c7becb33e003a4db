"""SIGTERM: what is in hand ends cleanly, others take over at once, nothing is left to wait for."""

import asyncio
import itertools
import logging
import os
import signal
import time
from pathlib import Path

import psutil
import pytest
from tests.integration.conftest import EngineFactory
from tests.integration.running_engine import RunningEngine

from danbao.publisher import Limits, Progress
from danbao.testing.market import simulate_market, write_market

pytestmark = pytest.mark.servers
log = logging.getLogger(__name__)

STOPS = 12
STOP_WITHIN_S = 5.0
ANSWERS_BETWEEN_STOPS = 10
TAKEN_OVER_WITHIN_S = 30
NAMES = ("escrow-0", "relay-0", "settlement-1", "authorization-0", "projector-0", "scheduler-0")
SLOWLY = Limits(rate=10)
BATCH = 100


async def ended_after(pid: int) -> float:
    """Seconds until a process is gone; its parent is the engine, so it may be a zombie first."""
    begun = time.monotonic()
    while time.monotonic() < begun + 2 * STOP_WITHIN_S:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                break
        except psutil.NoSuchProcess:
            break
        await asyncio.sleep(0.01)
    return time.monotonic() - begun


class Load:
    """One small day after another, for as long as processes are stopped."""

    def __init__(self, engine: RunningEngine, folder: Path) -> None:
        self._engine = engine
        self._folder = folder
        self._answered = 0
        self.enough = False

    async def publish(self) -> None:
        """Publish until there was enough; the day that was begun is ended."""
        for seed in itertools.count(11):
            before = self._answered

            def note(progress: Progress, before: int = before) -> None:
                self._answered = before + progress.answered

            day = simulate_market(trades=BATCH, seed=seed)
            files = write_market(day, self._folder / str(seed))
            await self._engine.publish(files, SLOWLY, progress=note)
            if self.enough:
                return

    async def more(self, answers: int) -> None:
        """Return once so many more commands are answered."""
        wanted, deadline = self._answered + answers, time.monotonic() + TAKEN_OVER_WITHIN_S
        while self._answered < wanted:
            assert time.monotonic() < deadline, "nobody took over"
            await asyncio.sleep(0.05)


async def test_processes_stopped_under_load_end_in_time_and_lose_nothing(
    engine_factory: EngineFactory, tmp_path: Path
) -> None:
    """Whoever deploys in the middle of the day is not noticed."""
    with engine_factory(escrow=2, settlement=2, authorization=2) as engine:
        load = Load(engine, tmp_path)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(load.publish())
            times: list[float] = []
            for name in itertools.islice(itertools.cycle(NAMES), STOPS):
                await load.more(ANSWERS_BETWEEN_STOPS)
                times.append(await stop(engine, name))
            load.enough = True

        log.info("stopped after %s s", [round(seconds, 2) for seconds in times])
        assert max(times) <= STOP_WITHIN_S
        assert await engine.audit() == []
        stopped = (engine.home / "logs" / "escrow-0.log").read_text()
        assert '"event": "process.stopped"' in stopped
        assert '"event": "process.forced"' not in stopped


async def stop(engine: RunningEngine, name: str) -> float:
    """Stop a process as an orchestrator does; gives the seconds until it was gone."""
    pid = engine.processes[name]
    os.kill(pid, signal.SIGTERM)
    seconds = await ended_after(pid)
    deadline = time.monotonic() + TAKEN_OVER_WITHIN_S
    while engine.processes.get(name, pid) == pid:
        assert time.monotonic() < deadline, f"{name} was not started again"
        await asyncio.sleep(0.05)
    return seconds


async def test_a_second_signal_ends_a_process_at_once(engine_factory: EngineFactory) -> None:
    """An operator who asks twice means it."""
    with engine_factory() as engine:
        pid = engine.processes["escrow-0"]
        os.kill(pid, signal.SIGSTOP)
        os.kill(pid, signal.SIGTERM)
        os.kill(pid, signal.SIGINT)
        os.kill(pid, signal.SIGCONT)

        assert await ended_after(pid) < 1.0
