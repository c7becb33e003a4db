"""The supervisor: one child process for each worker; those that die are started again.

A child that stops because going on would be wrong (exit code 3) is left alone: an operator must
look, and its last words are shown.
"""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from danbao.servers.ports import LOOPBACK, free_port
from danbao.servers.process import Program, spawn
from danbao.watch.life import EXIT_STOPPED

STOP_WITHIN_S = 8
RESTART_AFTER_S = (0.2, 1.0, 2.0, 5.0, 10.0)
STEADY_AFTER_S = 30
"""A child that has lived so long is trusted again."""
LAST_WORDS = 8_000
REFUSAL = b'"event": "process.refused"'


@dataclass(slots=True)
class Child:
    """One process of ours, and how often it had to be started again."""

    name: str
    process_name: str
    program: Program
    running: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    restarts: int = 0
    failures: int = 0
    restart_at: float = 0.0
    refused: bool = False
    health: str = ""
    """Where it answers `/livez` and `/readyz`, as a URL without a path."""

    @property
    def pid(self) -> int | None:
        """Its process id while it lives."""
        return self.running.pid if self.running and self.running.poll() is None else None

    def refusal(self) -> tuple[str, str]:
        """Why it refuses to run, with the error's code, and what to do about it."""
        try:
            words = self.program.log.read_bytes()[-LAST_WORDS:]
        except OSError:
            return "", ""
        for line in reversed(words.splitlines()):
            if REFUSAL in line:
                with suppress(ValueError):
                    said = json.loads(line)
                    return f"{said['error_code']}: {said['error']}", said["todo"]
        return words[-400:].decode(errors="replace").strip(), ""


@dataclass(slots=True)
class Supervisor:
    """Starts children, watches them, stops them."""

    home: Path
    environment: Mapping[str, str]
    children: list[Child] = field(default_factory=list)
    stopping: bool = False

    def add(self, process_name: str, worker: int) -> Child:
        """Add one worker of a process; `watch` starts it."""
        name = f"{process_name}-{worker}"
        program = Program(
            command=[
                *(sys.executable, "-m", "danbao", "run", process_name),
                *("--worker", str(worker)),
            ],
            log=self.home / "logs" / f"{name}.log",
            environment=self.environment,
        )
        child = Child(name, process_name, program)
        self.children.append(child)
        return child

    def start(self, child: Child) -> None:
        """Start a child now; its health has a new port, as its old one may be another's by now."""
        port = free_port()
        own = {
            **child.program.environment,
            "DANBAO_HEALTH_HOST": LOOPBACK,
            "DANBAO_HEALTH_PORT": str(port),
        }
        child.health = f"http://{LOOPBACK}:{port}"
        child.running = spawn(replace(child.program, environment=own))
        child.started_at = time.monotonic()
        child.restart_at = 0.0

    def look(self) -> bool:
        """Start what died and may live; tells whether anything changed."""
        changed = False
        now = time.monotonic()
        for child in self.children:
            if self.stopping or child.refused or child.pid is not None:
                continue
            if child.running is None:
                self.start(child)
                changed = True
            elif child.restart_at == 0.0:
                changed = True
                self._schedule(child, now)
            elif now >= child.restart_at:
                child.restarts += 1
                self.start(child)
                changed = True
        return changed

    def _schedule(self, child: Child, now: float) -> None:
        assert child.running is not None
        if child.running.poll() == EXIT_STOPPED:
            child.refused = True
            return
        if child.running.poll() == 0:
            child.restart_at = now  # somebody asked it to stop: no failure
            return
        if now - child.started_at > STEADY_AFTER_S:
            child.failures = 0
        step = min(child.failures, len(RESTART_AFTER_S) - 1)
        child.failures += 1
        child.restart_at = now + RESTART_AFTER_S[step]

    async def stop(self) -> None:
        """Ask all to stop, wait, and kill what does not."""
        self.stopping = True
        living = [child.running for child in self.children if child.pid is not None]
        for running in living:
            if running is not None:
                running.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_WITHIN_S
        while any(r.poll() is None for r in living if r) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        for running in living:
            if running is not None and running.poll() is None:
                running.kill()
                running.wait()
