"""One server process: start it, watch it, stop it, and end what an earlier run left behind.

A process that another run started is ended only when its command line names our own folder;
a process id alone proves nothing, since the system gives it to somebody else later.
"""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

LAUNCH = Path(__file__).with_name("launch.py")
POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class User:
    """Who a program runs as, when not as ourselves."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Program:
    """A command with all that is needed to start it."""

    command: Sequence[str]
    log: Path
    """Where its standard output and standard error go, appended."""
    stop_signal: int = signal.SIGTERM
    """Asks for a clean stop; also sent by the kernel when our own process dies."""
    user: User | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to our own environment."""


def spawn(program: Program) -> subprocess.Popen[bytes]:
    """Start the program in a session of its own, so that Ctrl-C in a terminal does not reach it."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    identity = ("-", "-") if program.user is None else (program.user.uid, program.user.gid)
    death_signal = int(program.stop_signal) if in_main_thread else "-"
    prefix = [sys.executable, "-I", "-S", LAUNCH, os.getpid(), death_signal, *identity]
    program.log.parent.mkdir(parents=True, exist_ok=True)
    with program.log.open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - the command is ours
            [*map(str, prefix), *program.command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env={**os.environ, **program.environment},
            start_new_session=True,
        )


async def run(program: Program, limit_s: float) -> int:
    """Run the program to its end and return its exit status; past the limit it is killed."""
    process = spawn(program)
    try:
        if not await wait(process, limit_s):
            process.kill()
    except asyncio.CancelledError:
        process.kill()
        raise
    return process.wait()


async def wait(process: subprocess.Popen[bytes], limit_s: float) -> bool:
    """Say whether the process ended within the limit."""
    deadline = time.monotonic() + limit_s
    while process.poll() is None:
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(POLL_S)
    return True


async def stop(process: subprocess.Popen[bytes], stop_signal: int, limit_s: float) -> bool:
    """Ask the process to stop, kill it past the limit; say whether it stopped by itself."""
    if process.poll() is None:
        process.send_signal(stop_signal)
    if await wait(process, limit_s):
        return True
    process.kill()
    process.wait()
    return False


def find_left_over(pid_file: Path, mark: str) -> psutil.Process | None:
    """Return the process of an earlier run, if it lives and its command line names `mark`."""
    try:
        pid = int(pid_file.read_text(encoding="utf-8").split()[0])
        process = psutil.Process(pid)
        is_ours = any(mark in argument for argument in process.cmdline())
    except (OSError, ValueError, IndexError, psutil.Error):
        return None
    return process if is_ours else None


async def end_left_over(process: psutil.Process, stop_signal: int, limit_s: float) -> None:
    """End a process of an earlier run; it is not our child, so we can only look at it."""
    deadline = time.monotonic() + limit_s
    try:
        process.send_signal(stop_signal)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > deadline:
                process.kill()
            await asyncio.sleep(POLL_S)
    except psutil.NoSuchProcess:
        return


def size(log: Path) -> int:
    """Return how many bytes a log has; one that does not exist has none."""
    return log.stat().st_size if log.exists() else 0


def last_lines(log: Path, count: int = 20, *, since: int = 0) -> str:
    """Return the end of a log, nothing before the byte `since`, for an error message."""
    try:
        text = log.read_bytes()[since:].decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-count:])
