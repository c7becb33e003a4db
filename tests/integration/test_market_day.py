"""A day of the market through a whole engine, held against figures that the engine did not make."""

import asyncio
import json
import logging
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.integration.conftest import EngineFactory
from tests.integration.running_engine import RunningEngine
from tests.unit.whatif.asking import DEFAULTS, HARMLESS, file_of

from danbao.app import SERVICES
from danbao.publisher import Limits, Progress
from danbao.testing.market import FILE_NAMES, simulate_market, write_market

pytestmark = pytest.mark.servers
log = logging.getLogger(__name__)

MarketDay = Callable[[str], Path]

BACK_WITHIN_S = 30
ANSWERS_BETWEEN_KILLS = 20
SLOWLY = Limits(rate=6)
"""Flows a second while processes are killed: the day must outlast the last kill."""


def files_of(folder: Path) -> list[Path]:
    """The three files of a day in their order."""
    return [folder / name for name in FILE_NAMES]


async def test_a_market_day_ends_as_expected_and_again_changes_nothing(
    engine_factory: EngineFactory, market_day: MarketDay
) -> None:
    """The same commands sent twice are the same wishes, not twice as much money."""
    folder = market_day("market-day-small")
    with engine_factory() as engine:
        await engine.publish(files_of(folder))
        assert await engine.audit(folder / "expected.json") == []
        position = await engine.position()

        again = await engine.publish(files_of(folder))

        assert again.events == {}
        assert await engine.audit(folder / "expected.json") == []
        assert await engine.position() == position


def assert_decided_the_same_again(engine: RunningEngine, file: Path) -> None:
    """Hold that every decision can be made again from the log, however the workers raced."""
    policies = {name: body for name, body in DEFAULTS.items() if name != "settlement.cut_off"}
    file.write_bytes(file_of(policies))
    done = engine.cli("what-if", "--policy", str(file), "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["differ"] == 0, found["differences"]
    assert set(found["not_redecided"]) <= {reason.value for reason in HARMLESS}
    assert found["redecided"] > 0.95 * found["decisions"] > 0


async def test_two_workers_a_service_end_the_day_as_one_does(
    engine_factory: EngineFactory, market_day: MarketDay, tmp_path: Path
) -> None:
    """Workers share nothing but Postgres: their number is not seen in any figure."""
    folder = market_day("market-day-small")
    with engine_factory(**dict.fromkeys(SERVICES, 2)) as engine:
        await engine.publish(files_of(folder))

        assert await engine.audit(folder / "expected.json") == []
        log.info(
            "%s batches were recorded late",
            await engine.fetch("SELECT count(*) FROM danbao.decision_times"),
        )
        assert_decided_the_same_again(engine, tmp_path / "policies.json")


async def test_every_process_killed_in_the_middle_of_the_day_changes_no_figure(
    engine_factory: EngineFactory, market_day: MarketDay
) -> None:
    """What is acknowledged survives `kill -9` of any part, and nothing happens twice."""
    folder = market_day("market-day-small")
    accounts, trades, windows = files_of(folder)
    with engine_factory() as engine:
        await engine.publish([accounts])
        day = Killed(engine)
        publishing = asyncio.create_task(
            engine.publish([trades], SLOWLY, progress=day.note_progress)
        )
        try:
            for name in engine.processes:
                log.info("%s killed, answers again after %.1f s", name, await day.kill(name))
                assert not publishing.done(), f"the day ended before {name} was killed"
            await publishing
        finally:
            publishing.cancel()
        await engine.publish([windows])

        assert await engine.audit(folder / "expected.json") == []


class Killed:
    """Kills one process after another, each once the engine answers again."""

    def __init__(self, engine: RunningEngine) -> None:
        self._engine = engine
        self._answered = 0

    def note_progress(self, progress: Progress) -> None:
        """Take the publisher's word for how far the day is."""
        self._answered = progress.answered

    async def kill(self, name: str) -> float:
        """Kill a process; gives the seconds until it is back and commands are answered."""
        before, answered, begun = self._engine.processes[name], self._answered, time.monotonic()
        os.kill(before, signal.SIGKILL)
        while (
            self._engine.processes.get(name, before) == before
            or self._answered < answered + ANSWERS_BETWEEN_KILLS
        ):
            waited = time.monotonic() - begun
            assert waited < BACK_WITHIN_S, f"no engine again {waited:.0f} s after {name} was killed"
            await asyncio.sleep(0.1)
        return time.monotonic() - begun


async def test_a_simulated_day_leaves_the_auditor_nothing_to_find(
    engine_factory: EngineFactory, tmp_path: Path
) -> None:
    """The project's own generator knows flows that the recorded days do not have."""
    files = write_market(simulate_market(trades=300, seed=7), tmp_path / "market")
    with engine_factory() as engine:
        await engine.publish(files)

        assert await engine.audit(files=files) == []


@pytest.mark.skipif("DANBAO_LONG" not in os.environ, reason="10,000 trades: set DANBAO_LONG=1")
async def test_a_large_market_day_ends_as_expected(
    engine_factory: EngineFactory, market_day: MarketDay
) -> None:
    """Ten thousand trades and every refusal among them."""
    folder = market_day("market-day")
    with engine_factory() as engine:
        await engine.publish(files_of(folder))

        assert await engine.audit(folder / "expected.json") == []
