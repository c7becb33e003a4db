"""Engines that are stopped, damaged, recovered and started again, all in one home."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.integration.running_engine import (
    RunningEngine,
    danbao,
    end_all,
    family_of,
    last_words,
    remove_data,
    start_up,
    stop_up,
    wait_until_ready,
)

from danbao.servers import LocalServers

MARKET_DAYS = Path(__file__).resolve().parents[3] / "shared" / "data"
NO_CUT_OFF = {"DANBAO_DAILY_CUT_OFF": "0"}
HAPPENS_WITHIN_S = 60
RECOVERED_WITHIN_S = 180


@dataclass(slots=True)
class Drill:
    """One home, and the engine in it while it runs."""

    home: Path
    _up: subprocess.Popen[bytes] | None = None
    _families: list[Any] = field(default_factory=list)

    @property
    def engine(self) -> RunningEngine:
        """The running engine."""
        return RunningEngine(self.home)

    def up(self) -> RunningEngine:
        """Start the engine, and wait until it is ready."""
        self._up = start_up(self.home, None, NO_CUT_OFF)
        wait_until_ready(self.home, self._up)
        return self.engine

    def down(self) -> None:
        """Stop the engine and its servers."""
        if self._up is not None:
            family = family_of(self._up.pid)
            stop_up(self._up)
            end_all(family)
            self._up = None

    def refuses(self) -> str:
        """Start an engine that must refuse to run; gives its last words."""
        self._up = start_up(self.home, None, NO_CUT_OFF)
        deadline = time.monotonic() + HAPPENS_WITHIN_S * 2
        while self._up.poll() is None:
            assert "ready after" not in last_words(self.home), "it runs, and must not"
            assert time.monotonic() < deadline, last_words(self.home)
            time.sleep(0.1)
        assert self._up.returncode != 0
        self._up = None
        return last_words(self.home)

    def danbao(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command in this home."""
        return danbao(self.home, *arguments, timeout_s=RECOVERED_WITHIN_S)

    def recover(self, *arguments: str) -> dict[str, Any]:
        """Run `danbao recover …` to its good end; gives its report."""
        ended = self.danbao("recover", *arguments, "--yes", "--json")
        assert ended.returncode == 0, ended.stdout + ended.stderr
        report: dict[str, Any] = json.loads(ended.stdout)
        return report

    def wipe_kafka(self) -> None:
        """Lose everything that Kafka has; it must not run."""
        shutil.rmtree(self.home / "kafka" / "data")

    def kill_kafka_and_wipe(self) -> None:
        """Lose Kafka's disk while everything runs."""
        os.kill(self.engine.processes["kafka"], signal.SIGKILL)
        self.wipe_kafka()

    def remove(self, name: str) -> None:
        """Delete a folder of the home."""
        shutil.rmtree(self.home / name)

    def keep_kafka(self, place: Path) -> None:
        """Copy Kafka's data; it must not run."""
        shutil.copytree(self.home / "kafka" / "data", place)

    def bring_kafka_back(self, place: Path) -> None:
        """Let Kafka have the data of an earlier time; it must not run."""
        self.wipe_kafka()
        shutil.copytree(place, self.home / "kafka" / "data")

    async def until_position(self, position: int) -> None:
        """Wait until the log is so long."""
        async with asyncio.timeout(HAPPENS_WITHIN_S):
            while await self.engine.position() < position:  # noqa: ASYNC110 - no signal gets here
                await asyncio.sleep(0.05)

    @asynccontextmanager
    async def servers(self) -> AsyncIterator[LocalServers]:
        """The servers without the engine."""
        async with LocalServers(self.home, print) as servers:
            yield servers

    def log_of(self, process: str) -> str:
        """What a process wrote."""
        return (self.home / "logs" / f"{process}.log").read_text(errors="replace")

    async def says(self, text: str, *processes: str) -> None:
        """Wait until one of these processes writes a text."""
        async with asyncio.timeout(HAPPENS_WITHIN_S):
            while not any(text in self.log_of(name) for name in processes):  # noqa: ASYNC110
                await asyncio.sleep(0.1)


def market_day(name: str = "market-day-small") -> Path:
    """A recorded market day, or skip."""
    folder = MARKET_DAYS / name
    if not folder.is_dir():
        pytest.skip(f"the recorded {name} is not beside this checkout (../shared/data)")
    return folder


@contextmanager
def drill(home: Path) -> Iterator[Drill]:
    """A home for a drill; afterwards nothing of it is left but its logs."""
    made = Drill(home)
    try:
        yield made
    finally:
        try:
            made.down()
        finally:
            LocalServers(home, print).remove_outside_data()
            remove_data(home)
