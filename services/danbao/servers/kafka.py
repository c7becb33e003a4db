"""The local Kafka server: format once, start, wait until it leads, stop."""

import asyncio
import base64
import os
import signal
import subprocess
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from danbao.servers import jars, kafka_config, kafka_probe, ports, process
from danbao.servers.errors import ServerCode, ServerError
from danbao.servers.java import Java, find_java
from danbao.servers.process import POLL_S, Program

FORMAT_S = 60
START_S = 60
STOP_S = 10
START_ATTEMPTS = 3


@dataclass(slots=True)
class KafkaServer:
    """One broker below `<home>/kafka`; not safe for two processes on the same home."""

    home: Path
    """Absolute."""
    report: jars.Report
    name: str = "kafka"
    port: int = 0
    running: subprocess.Popen[bytes] | None = None
    _java: Java | None = field(default=None, repr=False)

    @property
    def folder(self) -> Path:
        """Everything of this server."""
        return self.home / "kafka"

    @property
    def address(self) -> str:
        """The bootstrap address."""
        return f"{ports.LOOPBACK}:{self.port}"

    async def start(self) -> None:
        """Start on the recorded ports, or on new ones when somebody took them.

        Raises:
            ServerError: `java_missing`, `network_needed`, `jar_checksum_mismatch` or
                `kafka_start_failed`.
        """
        await self._end_left_over()
        root = jars.cache_root(os.environ)
        lock = jars.load_lock()
        folder = await asyncio.to_thread(jars.ensure_jars, self.report, lock, root)
        self._java = self._java or await asyncio.to_thread(find_java)
        archive = root / f"{lock.folder_name}-java{self._java.version}.jsa"
        for _ in range(START_ATTEMPTS):
            port, controller_port = self._configure()
            if not (self._data / "meta.properties").exists():
                await self._format(folder)
            command = kafka_config.java_options(self._java, folder, self._log4j, archive)
            self._launch([*command, "kafka.Kafka", str(self._properties)])
            self.port = port
            if await self._wait_ready():
                return
            if ports.is_free(port) and ports.is_free(controller_port):
                break
        await self.stop()
        raise self._failed("did not start")

    async def stop(self) -> None:
        """Stop cleanly, or kill past the limit; does nothing when it does not run."""
        if self.running is not None:
            await process.stop(self.running, signal.SIGTERM, STOP_S)
            self.running = None
        self._pid_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """Kill without warning, as a crash would."""
        if self.running is not None:
            self.running.kill()
            self.running.wait()
            self.running = None

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    @property
    def _log4j(self) -> Path:
        return self.folder / "log4j2.properties"

    @property
    def _pid_file(self) -> Path:
        return self.folder / "kafka.pid"

    @property
    def _output(self) -> Path:
        return self.folder / "output.log"

    def _configure(self) -> tuple[int, int]:
        """Choose the ports and write the configuration."""
        chosen = ports.choose(self.folder / "ports.json", "broker", "controller")
        broker, controller = chosen["broker"], chosen["controller"]
        self.folder.mkdir(parents=True, exist_ok=True)
        text = kafka_config.server_properties(self._data, broker, controller)
        self._properties.write_text(text, encoding="utf-8")
        text = kafka_config.log4j_properties(self.folder / "server.log")
        self._log4j.write_text(text, encoding="utf-8")
        return broker, controller

    async def _format(self, folder: Path) -> None:
        """Write Kafka's identity files with its own tool."""
        assert self._java is not None
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command = kafka_config.format_command(self._java, folder, self._log4j)
        arguments = ["--cluster-id", cluster_id, "--config", str(self._properties)]
        program = Program([*command, *arguments], self._output)
        if await process.run(program, FORMAT_S) != 0:
            raise self._failed("could not format its data folder")

    def _launch(self, command: list[str]) -> None:
        """Start the process and write down its id."""
        environment = {"MALLOC_ARENA_MAX": "2"}
        program = Program(command, self._output, signal.SIGTERM, environment=environment)
        self.running = process.spawn(program)
        self._pid_file.write_text(str(self.running.pid), encoding="utf-8")

    async def _wait_ready(self) -> bool:
        """Wait until the broker answers; say no as soon as the process has ended."""
        assert self.running is not None
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.running.poll() is None:
            if await kafka_probe.is_ready(self.port):
                return True
            await asyncio.sleep(POLL_S)
        return False

    async def _end_left_over(self) -> None:
        """End a broker that an earlier run left on this folder."""
        left_over = process.find_left_over(self._pid_file, str(self._properties))
        if left_over is not None:
            self.report(f"ending a Kafka that an earlier run left behind (pid {left_over.pid})")
            await process.end_left_over(left_over, signal.SIGTERM, STOP_S)

    def _failed(self, what: str) -> ServerError:
        """Build the error with what the server said last."""
        said = process.last_lines(self._output) or process.last_lines(self.folder / "server.log")
        return ServerError(
            ServerCode.KAFKA_START_FAILED,
            f"Kafka {what}. It said last:\n{said}",
            todo=f"See {self.folder}/server.log and output.log.",
        )
