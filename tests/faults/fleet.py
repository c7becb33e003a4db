"""A fleet: the engine's processes, each started, killed, frozen and replaced by the test itself.

`danbao up` would start again what dies; here nothing comes back unless the test says so.
"""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
from tests.integration.running_engine import RunningEngine, end_all, environment, family_of

from danbao.app import PROCESSES
from danbao.engine.engine import set_up
from danbao.engine.record import EngineRecord, write_record
from danbao.kernel.settings import Settings
from danbao.servers import LocalServers
from danbao.servers.process import Program, last_lines, spawn

LOOK_EVERY_S = 0.02
PLANTED = os.pathsep.join([str(Path(__file__).parent / "planted_plugin"), *sys.path])
START_WITHIN_S = 30
OF_KIND = {"bookkeeper": {"DANBAO_BOOKS_CLOSE_EVERY": "200"}}
"""Settings that make a kind of process work as often as a test can wait for it."""


SERIOUS = re.compile(r'"level": "(warning|error|critical)"')
COMPLAINTS_MAX = 3
LINE_MAX = 2_000


class NotHitError(AssertionError):
    """The fault did not really hit, so nothing was tested."""


async def until(
    is_so: Callable[[], bool], within_s: float, what: str, error: type[Exception] = AssertionError
) -> float:
    """Wait until something is so; gives the seconds that it took."""
    begun = time.monotonic()
    while not is_so():
        if time.monotonic() - begun > within_s:
            raise error(f"not within {within_s:g} s: {what}")
        await asyncio.sleep(LOOK_EVERY_S)
    return time.monotonic() - begun


def answers(url: str) -> bool:
    """Whether a probe is answered with a yes."""
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except urllib.error.HTTPError as no:
        no.close()
        return False
    except OSError:
        return False


@dataclass(slots=True)
class Member:
    """One process of the fleet."""

    name: str
    kind: str
    """What it runs: a service, relay, projector or scheduler."""
    log: Path
    process: subprocess.Popen[bytes]
    log_begins: int = 0

    @property
    def lives(self) -> bool:
        """Whether it has not ended yet."""
        return self.process.poll() is None

    @property
    def is_frozen(self) -> bool:
        """Whether the system says that it is stopped."""
        try:
            return bool(psutil.Process(self.process.pid).status() == psutil.STATUS_STOPPED)
        except psutil.NoSuchProcess:
            return False

    @property
    def words(self) -> str:
        """What it has logged since its start."""
        return self.log.read_bytes()[self.log_begins :].decode(errors="replace")

    def send(self, number: int) -> None:
        """Send a signal."""
        if self.lives:
            self.process.send_signal(number)

    async def wait_started(self) -> None:
        """Return when it works."""
        await until(
            lambda: "process.started" in self.words or not self.lives,
            START_WITHIN_S,
            f"{self.name} starts",
        )
        assert self.lives, f"{self.name} ended at once:\n{last_lines(self.log)}"

    async def wait_ready(self) -> None:
        """Return when it says that it is ready: a worker has claimed its partitions by then."""
        await self.wait_started()
        [started] = [line for line in self.words.splitlines() if '"process.started"' in line]
        health = json.loads(started)["health"]
        await until(lambda: answers(f"{health}/readyz"), START_WITHIN_S, f"{self.name} is ready")

    async def wait_ended(self, within_s: float) -> int:
        """Wait for its end; gives its exit code, negative for a signal."""
        await until(lambda: not self.lives, within_s, f"{self.name} ends")
        return self.process.returncode

    async def wait_killed(self, within_s: float) -> None:
        """Return when SIGKILL has ended it."""
        await until(lambda: not self.lives, within_s, f"{self.name} dies", NotHitError)
        if self.process.returncode != -signal.SIGKILL:
            raise NotHitError(f"{self.name} ended with {self.process.returncode}")

    async def wait_frozen(self, within_s: float) -> None:
        """Return when it is stopped."""
        await until(lambda: self.is_frozen, within_s, f"{self.name} freezes", NotHitError)


@dataclass(slots=True)
class Fleet:
    """All processes of one engine and its two servers."""

    home: Path
    servers: LocalServers = field(init=False)
    settings: Settings = field(init=False)
    members: dict[str, Member] = field(default_factory=dict)
    zombies: list[Member] = field(default_factory=list)
    offsets: dict[str, int] = field(default_factory=dict)
    """How far each service had read each partition when last looked at; it never falls."""

    def __post_init__(self) -> None:
        """Start nothing yet."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.servers = LocalServers(self.home, lambda _: None)

    @property
    def engine(self) -> RunningEngine:
        """The same tools that the other tests have."""
        return RunningEngine(self.home)

    async def start(self) -> None:
        """Start servers and one process of each kind."""
        await self.servers.start()
        addresses = self.servers.addresses
        self.settings = replace(
            Settings(),
            home=self.home,
            postgres_dsn=addresses.postgres_dsn,
            kafka_bootstrap=addresses.kafka_bootstrap,
        )
        await set_up(self.settings, lambda _: None)
        for kind in PROCESSES:
            self.spawn(kind)
        for member in self.members.values():
            await member.wait_started()
        self._record()

    def spawn(self, kind: str, worker: int = 0, **settings: str) -> Member:
        """Start a process; `settings` are further `DANBAO_*`, in lower case and without it.

        `code` is a folder whose `danbao` runs in place of ours.
        """
        name = f"{kind}-{worker}"
        assert name not in self.members, f"{name} runs already"
        log = self.home / "logs" / f"{name}.log"
        begins = log.stat().st_size if log.exists() else 0
        ours: Mapping[str, str] = {
            "DANBAO_POSTGRES_DSN": self.settings.postgres_dsn,
            "DANBAO_KAFKA_BOOTSTRAP": self.settings.kafka_bootstrap,
            "DANBAO_WORKER_ID": str(worker),
            **OF_KIND.get(kind, {}),
            **({"PYTHONPATH": PLANTED} if "planted" in settings else {}),
            **({"PYTHONPATH": settings["code"]} if "code" in settings else {}),
            **{f"DANBAO_{key.upper()}": value for key, value in settings.items()},
        }
        command = [sys.executable, "-m", "danbao", "run", kind]
        process = spawn(Program(command=command, log=log, environment=environment(self.home, ours)))
        self.members[name] = Member(name, kind, log, process, begins)
        return self.members[name]

    async def start_member(self, kind: str, worker: int = 0, **settings: str) -> Member:
        """Start a process and wait until it works."""
        member = self.spawn(kind, worker, **settings)
        await member.wait_started()
        return member

    async def end(self, name: str, number: int = signal.SIGTERM, within_s: float = 8) -> float:
        """End a member by a signal; gives the seconds that it took."""
        member = self.members.pop(name)
        begun = time.monotonic()
        member.send(number)
        await member.wait_ended(within_s)
        return time.monotonic() - begun

    async def renew(self, name: str, **settings: str) -> Member:
        """Stop a member cleanly and start it again with other settings."""
        member = self.members[name]
        await self.end(name)
        worker = int(name.rsplit("-", 1)[-1])
        return await self.start_member(member.kind, worker, **settings)

    def forget(self, member: Member) -> None:
        """A dead or frozen member leaves its name to another one."""
        self.members.pop(member.name, None)
        if member.lives:
            self.zombies.append(member)

    async def bury(self) -> None:
        """Wake and end those that were frozen and replaced."""
        for member in self.zombies:
            member.send(signal.SIGCONT)
            member.send(signal.SIGTERM)
            await member.wait_ended(10)
        self.zombies.clear()

    async def mend(self) -> None:
        """One process of each kind again, whatever a test left behind."""
        await self.servers.start()
        for member in [*self.members.values(), *self.zombies]:
            is_extra = not member.name.endswith("-0") or member in self.zombies
            if member.lives and (is_extra or member.is_frozen):
                member.send(signal.SIGKILL)
                await member.wait_ended(5)
        self.zombies.clear()
        self.members = {name: member for name, member in self.members.items() if member.lives}
        for kind in PROCESSES:
            if f"{kind}-0" not in self.members:
                await self.start_member(kind)

    async def stop(self) -> None:
        """End everything and leave nothing behind."""
        ours = (*self.members.values(), *self.zombies)
        pids = [member.process.pid for member in ours if member.lives]
        pids += [server.pid for server in self.servers.processes]
        family = [each for pid in pids for each in family_of(pid)]
        for member in [*self.members.values(), *self.zombies]:
            member.send(signal.SIGKILL)
            if member.process.poll() is None:
                member.process.wait()
        try:
            for name in ("postgres", "kafka"):
                self.signal_server(name, signal.SIGCONT)
            await self.servers.stop()
        finally:
            end_all(family, grace_s=1)
            self.servers.remove_outside_data()

    def complaints(self) -> str:
        """The last warnings and errors of each process, and which of them have ended."""
        lines = []
        for member in [*self.members.values(), *self.zombies]:
            ended = "" if member.lives else f", ended with {member.process.returncode}"
            lines.append(f"{member.name}{ended}")
            serious = [line for line in member.words.splitlines() if SERIOUS.search(line)]
            lines += [f"    {line[:LINE_MAX]}" for line in serious[-COMPLAINTS_MAX:]]
        return "\n".join(lines)

    def server_pid(self, name: str) -> int:
        """Process id of `postgres` or `kafka`."""
        return {server.name: server.pid for server in self.servers.processes}[name]

    def signal_server(self, name: str, number: int) -> None:
        """Send a signal to a server and all its processes."""
        if name not in {server.name for server in self.servers.processes}:
            return
        for process in family_of(self.server_pid(name)):
            with suppress(psutil.NoSuchProcess):  # a session of Postgres that has just ended
                process.send_signal(number)

    def _record(self) -> None:
        """Let `danbao` commands find this engine."""
        write_record(
            self.home,
            EngineRecord(
                pid=os.getpid(),
                started=psutil.Process().create_time(),
                postgres_dsn=self.settings.postgres_dsn,
                kafka_bootstrap=self.settings.kafka_bootstrap,
                partitions=self.settings.partitions,
                processes={name: member.process.pid for name, member in self.members.items()},
            ),
        )
