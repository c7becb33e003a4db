"""The local Kafka server: format once, start, wait until it leads, stop."""

import asyncio
import base64
import os
import secrets
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from danbao.servers import jars, kafka_config, kafka_probe, ports, process
from danbao.servers.errors import ServerCode, ServerError
from danbao.servers.java import Java, find_java
from danbao.servers.java_archive import DUMP_S, ClassArchive
from danbao.servers.kafka_files import KafkaFiles
from danbao.servers.process import POLL_S, Program

FORMAT_S = 60
START_S = 60
STOP_S = 10
START_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class _Runtime:
    """What is needed to run a class of Kafka's."""

    java: Java
    archive: ClassArchive
    environment: dict[str, str]


class KafkaServer:
    """One broker below `<home>/kafka`; not safe for two processes on the same home."""

    name = "kafka"

    def __init__(self, home: Path, report: jars.Report) -> None:
        """Take an absolute home; nothing is started or written."""
        self.files = KafkaFiles(home / "kafka")
        self.running: subprocess.Popen[bytes] | None = None
        self._report = report
        self._port = 0
        self._runtime: _Runtime | None = None
        self._dumps = False

    @property
    def address(self) -> str:
        """The bootstrap address."""
        return f"{ports.LOOPBACK}:{self._port}"

    def busy_folders(self) -> list[Path]:
        """Those of the partitions, in which files grow without end."""
        return [folder for folder in self.files.data.iterdir() if folder.is_dir()]

    async def start(self) -> None:
        """Start on the recorded ports, or on new ones when somebody took them.

        Raises:
            ServerError: `java_missing`, `network_needed`, `jar_checksum_mismatch` or
                `kafka_start_failed`.
        """
        self.files.folder.mkdir(parents=True, exist_ok=True)
        await self._end_left_over()
        runtime = self._runtime = self._runtime or await self._find_runtime()
        for _ in range(START_ATTEMPTS):
            chosen = self.files.configure()
            self._port = chosen["broker"]
            if not self.files.is_formatted():
                await self._format(runtime)
            self._launch(runtime)
            if await self._wait_ready():
                return
            await self.stop()
            if all(map(ports.is_free, chosen.values())):
                break
        raise self._failed(what="did not start")

    async def stop(self) -> None:
        """Stop cleanly, or kill past the limit; does nothing when it does not run."""
        if self.running is None:
            return
        if self._dumps:
            self._report("keeping Kafka's classes for faster starts (once, some seconds)")
        limit_s = STOP_S + (DUMP_S if self._dumps else 0)
        was_clean = await process.stop(self.running, signal.SIGTERM, limit_s)
        if self._dumps and was_clean and self._runtime is not None:
            await asyncio.to_thread(self._runtime.archive.keep)
        self._forget()

    def kill(self) -> None:
        """Kill without warning, as a crash would."""
        if self.running is not None:
            self.running.kill()
            self.running.wait()
            self._forget()

    async def _find_runtime(self) -> _Runtime:
        """Find Java and the jars; the first time ever this downloads them."""
        root = jars.cache_root(os.environ)
        lock = jars.load_lock()
        folder = await asyncio.to_thread(jars.ensure_jars, self._report, lock, root)
        java = await asyncio.to_thread(find_java)
        archive = ClassArchive(java, folder, self.files.fresh_archive)
        await archive.prepare()
        return _Runtime(java, archive, kafka_config.environment(lock.paths(folder)))

    async def _format(self, runtime: _Runtime) -> None:
        """Write Kafka's identity files with its own tool."""
        self._report("making the data folder of Kafka")
        cluster_id = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        command = [
            *self._java_command(runtime, dump=False),
            *("kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}"),
            *("--config", str(self.files.properties)),
        ]
        program = Program(command, self.files.output, environment=runtime.environment)
        if await process.run(program, FORMAT_S) != 0:
            raise self._failed(what="could not format its data folder")

    def _launch(self, runtime: _Runtime) -> None:
        """Start the process and write down its id."""
        self._dumps = runtime.archive.is_missing()
        command = self._java_command(runtime, dump=self._dumps)
        command += ["kafka.Kafka", str(self.files.properties)]
        program = Program(command, self.files.output, environment=runtime.environment)
        self.running = process.spawn(program)
        self.files.pid.write_text(str(self.running.pid), encoding="utf-8")

    def _java_command(self, runtime: _Runtime, *, dump: bool) -> list[str]:
        """Return the command up to the main class."""
        archive = runtime.archive
        options = [*kafka_config.java_options(self.files.log4j), *archive.options()]
        return [str(runtime.java.path), *options, *(archive.dump_options() if dump else [])]

    async def _wait_ready(self) -> bool:
        """Wait until the broker answers; say no as soon as the process has ended."""
        cluster_id = self.files.cluster_id()
        deadline = time.monotonic() + START_S
        while self.running is not None and self.running.poll() is None:
            if await kafka_probe.is_ready(self._port, cluster_id):
                return True
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(POLL_S)
        return False

    async def _end_left_over(self) -> None:
        """End a broker that an earlier run left on this folder."""
        left_over = process.find_left_over(self.files.pid, str(self.files.properties))
        if left_over is not None:
            self._report(f"ending a Kafka that an earlier run left behind (pid {left_over.pid})")
            await process.end_left_over(left_over, signal.SIGTERM, STOP_S)

    def _forget(self) -> None:
        """Drop what belongs to the process that has ended."""
        self.running = None
        self.files.pid.unlink(missing_ok=True)

    def _failed(self, *, what: str) -> ServerError:
        """Build the error with what the server said last."""
        output = process.last_lines(self.files.output)
        said = "\n".join([process.last_lines(self.files.log, 10), output]).strip()
        return ServerError(
            ServerCode.KAFKA_START_FAILED,
            f"Kafka {what}. It said last:\n{said}",
            todo=f"See {self.files.log} and {self.files.output.name} beside it.",
        )
