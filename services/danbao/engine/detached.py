"""An engine in the background: started as a process of its own, ready when this returns."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from danbao.engine.record import EngineRecord, read_record
from danbao.kernel.errors import DanbaoError
from danbao.servers.process import Program, spawn

READY_WITHIN_S = 120
LOOK_EVERY_S = 0.05
LAST_WORDS = 2_000


class NotStartedError(DanbaoError):
    """An engine did not start in the background."""

    code = "engine_not_started"


class NotStoppedError(DanbaoError):
    """An engine did not stop in the time that it was given."""

    code = "engine_not_stopped"


def start_in_background(
    home: Path,
    workers: Sequence[str] = (),
    *,
    sandbox: bool = False,
    environment: Mapping[str, str] | None = None,
    outlives_us: bool = True,
) -> EngineRecord:
    """Start `danbao up` for a home, and wait until it is ready; `environment` is added to ours.

    Unless it `outlives_us`, it stops when this process ends, be it by a kill.

    Raises:
        NotStartedError: it ended, or was not ready in time; its last words are in the message.
    """
    home.mkdir(parents=True, exist_ok=True)
    log = home / "engine.log"
    command = [sys.executable, "-m", "danbao", "up", "--plain"]
    for text in workers:
        command += ["--workers", text]
    if sandbox:
        command.append("--sandbox")
    log.write_bytes(b"")
    more = {**(environment or {}), "DANBAO_HOME": str(home)}
    process = (
        _start(command, log, more)
        if outlives_us
        else spawn(Program(command, log, environment=more))
    )
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        text = log.read_text(errors="replace")
        if "\nready after" in text and (record := read_record(home)):
            return record
        if process.poll() is not None:
            raise NotStartedError(f"the engine did not start:\n{text[-LAST_WORDS:]}")
        time.sleep(LOOK_EVERY_S)
    process.terminate()
    raise NotStartedError(f"the engine was not ready within {READY_WITHIN_S} s", todo=str(log))


def _start(
    command: Sequence[str], log: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start a process that nothing ties to this one."""
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own command
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **environment},
            start_new_session=True,
        )


def stop_and_wait(record: EngineRecord, within_s: float) -> None:
    """Ask an engine to stop, and wait until it has; one that is gone has stopped.

    Raises:
        NotStoppedError: it still runs.
    """
    try:
        process = psutil.Process(record.pid)
        process.terminate()
        process.wait(within_s)
    except psutil.NoSuchProcess:
        return
    except psutil.TimeoutExpired as error:
        raise NotStoppedError(
            f"process {record.pid} did not stop within {within_s:.0f} s"
        ) from error
