"""One whole engine in a home of its own: what `danbao up` runs, and nothing of it afterwards."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import psutil
from tests.audit.report import Violation
from tests.audit.runner import audit

from danbao.engine.idle import what_moves
from danbao.engine.record import EngineRecord, read_record
from danbao.kernel.clock import SystemClock
from danbao.kernel.postgres.connection import PATIENT, connect
from danbao.publisher import Limits, Summary, publish, read_command_file
from danbao.servers import LocalServers
from danbao.servers.process import Program, spawn

READY_WITHIN_S = 90
STOP_WITHIN_S = 40
IDLE_WITHIN_S = 60
AUDITS_MAX = 5
LOOK_EVERY_S = 0.05
CUT_OFF_HOUR = 16
"""In UTC: midnight in Shanghai, where the default policy closes windows."""
TEST_TAKES_AT_MOST = timedelta(minutes=20)
KEPT_OF_A_HOME = {"logs", "engine.log"}


class EngineError(RuntimeError):
    """The engine did not do what every test builds on; the text has its last words."""


@dataclass(frozen=True, slots=True)
class RunningEngine:
    """A running engine, and what a test does with it."""

    home: Path

    @property
    def record(self) -> EngineRecord:
        """What the engine says about itself now."""
        record = read_record(self.home)
        if record is None:
            raise EngineError(f"no engine runs in {self.home}:\n{last_words(self.home)}")
        return record

    @property
    def processes(self) -> dict[str, int]:
        """Process ids by name; the servers too."""
        return self.record.processes

    @property
    def postgres_dsn(self) -> str:
        """Where its Postgres is."""
        return self.record.postgres_dsn

    @property
    def kafka_bootstrap(self) -> str:
        """Where its Kafka is."""
        return self.record.kafka_bootstrap

    async def publish(
        self, files: Sequence[Path], limits: Limits | None = None, **more: object
    ) -> Summary:
        """Publish command files, one after the other, each to its end."""
        lines = [list(read_command_file(file)) for file in files]
        return await publish(self.kafka_bootstrap, lines, limits=limits, **more)

    async def wait_idle(self, within_s: float = IDLE_WITHIN_S) -> None:
        """Return when nothing is in flight."""
        record, deadline = self.record, time.monotonic() + within_s
        async with self.database() as connection:
            while moving := await what_moves(connection, record.kafka_bootstrap, record.partitions):
                if time.monotonic() > deadline:
                    raise EngineError(f"still in flight: {', '.join(moving)}")
                await asyncio.sleep(LOOK_EVERY_S)

    async def audit(
        self, expected: Path | None = None, files: Sequence[Path] | None = None
    ) -> list[Violation]:
        """Everything that the independent auditor finds wrong, once nothing is in flight.

        A deadline that came while it read is no fault: then it reads again.
        """
        for _ in range(AUDITS_MAX):
            await self.wait_idle()
            position = await self.position()
            found = await audit(self.postgres_dsn, self.kafka_bootstrap, expected, files)
            if not found or await self.position() == position:
                break
        return found

    @asynccontextmanager
    async def database(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection of the test's own."""
        connection = await connect(self.postgres_dsn, purpose="test", session=PATIENT)
        try:
            yield connection
        finally:
            await connection.close()

    async def fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Ask one question."""
        async with self.database() as connection:
            return await connection.fetch(query, *arguments)

    async def position(self) -> int:
        """Position of the last event in the log."""
        [row] = await self.fetch("SELECT position FROM danbao.log_heads WHERE shard = 0")
        return row["position"]

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `danbao …` in this home."""
        return danbao(self.home, *arguments)


def environment(home: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Our environment without danbao's settings, but for this home."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("DANBAO_")}
    return ours | {"DANBAO_HOME": str(home)} | dict(more or {})


def danbao(
    home: Path, *arguments: str, timeout_s: float = 150, more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `danbao …` to its end; `more` are further settings."""
    return subprocess.run(
        [sys.executable, "-m", "danbao", *arguments],
        env=environment(home, more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )


@contextmanager
def running_engine(
    home: Path, workers: Mapping[str, int] | None = None, **more: str
) -> Iterator[RunningEngine]:
    """Run `danbao up` with so many workers; afterwards nothing of it is left but its logs.

    It ends with this process even when that is killed. No test runs across midnight in Shanghai,
    when windows close by themselves: shortly before, the engine is a sandbox and its clock is moved
    past it. `more` are further settings.
    """
    cut_off = cut_off_ahead(SystemClock().now())
    process = start_up(home, workers, ({"DANBAO_SANDBOX": "1"} if cut_off else {}) | more)
    try:
        wait_until_ready(home, process)
        engine = RunningEngine(home)
        if cut_off and engine.cli("clock", "advance", "--until", cut_off).returncode:
            raise EngineError("the clock could not be moved past the cut-off")
        yield engine
    finally:
        family = family_of(process.pid)
        try:
            stop_up(process)
        finally:
            left = end_all(family)
            LocalServers(home, print).remove_outside_data()
            remove_data(home)
    if left:
        raise EngineError(f"the engine left processes behind: {left}")


def cut_off_ahead(now: datetime) -> str:
    """The moment after the next cut-off, if a test that starts now could run into it."""
    cut_off = now.replace(hour=CUT_OFF_HOUR, minute=0, second=0, microsecond=0)
    is_near = timedelta(0) < cut_off - now < TEST_TAKES_AT_MOST
    return (cut_off + timedelta(minutes=1)).isoformat() if is_near else ""


def start_up(
    home: Path, workers: Mapping[str, int] | None = None, more: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start `danbao up --plain`; the caller stops it."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "engine.log").unlink(missing_ok=True)  # an earlier engine's says "ready" too
    command = [sys.executable, "-m", "danbao", "up", "--plain"]
    for name, count in (workers or {}).items():
        command += ["--workers", f"{name}={count}"]
    return spawn(
        Program(
            command=command,
            log=home / "engine.log",
            environment={"DANBAO_HOME": str(home)} | dict(more or {}),
        )
    )


def wait_until_ready(home: Path, process: subprocess.Popen[bytes]) -> None:
    """Return when the engine says so."""
    deadline = time.monotonic() + READY_WITHIN_S
    while "ready after" not in (home / "engine.log").read_text(errors="replace"):
        if process.poll() is not None:
            raise EngineError(f"the engine did not start:\n{last_words(home)}")
        if time.monotonic() > deadline:
            raise EngineError(f"not ready within {READY_WITHIN_S} s:\n{last_words(home)}")
        time.sleep(LOOK_EVERY_S)


def stop_up(process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> float:
    """Ask the engine to stop and wait until it has; gives the seconds that it took."""
    begun = time.monotonic()
    if process.poll() is None:
        process.send_signal(number)
    try:
        process.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        end_all(family_of(process.pid))
        process.wait()
        raise EngineError(f"the engine did not stop within {STOP_WITHIN_S} s") from None
    return time.monotonic() - begun


def last_words(home: Path) -> str:
    """The end of an engine's log."""
    try:
        return (home / "engine.log").read_text(errors="replace")[-3000:]
    except OSError:
        return "(no log)"


def family_of(pid: int) -> list[psutil.Process]:
    """A process and all that descend from it."""
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def lives(process: psutil.Process) -> bool:
    """Say whether the process still does something."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def end_all(processes: Sequence[psutil.Process], grace_s: float = 3) -> list[str]:
    """Name those that still live after a moment, and kill them."""
    deadline = time.monotonic() + grace_s
    while any(map(lives, processes)) and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_S)
    left = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            if lives(process):
                left.append(f"{process.pid} {' '.join(process.cmdline())[:120]}")
                process.kill()
    return left


def remove_data(home: Path) -> None:
    """Delete the data of a stopped engine; its logs stay for whoever looks into a failure."""
    if not home.is_dir():
        return  # nothing was started
    for path in home.iterdir():
        if path.name in KEPT_OF_A_HOME:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
