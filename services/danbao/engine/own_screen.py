"""The screen of `danbao up`: the processes that it has started itself, refreshed each second."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg
import psutil
from rich.console import RenderableType

from danbao.engine.figures import read_figures
from danbao.engine.screen import Line, Processes, Rate, picture
from danbao.engine.supervisor import Child
from danbao.kernel.lag import LagMeter
from danbao.servers import RunningServer

MEBIBYTE = 1024 * 1024
COLUMNS = ("process", "pid", "state", "lag", "restarts", "CPU", "memory")


@dataclass(slots=True)
class OwnScreen:
    """Remembers what it showed last, so that it can show rates."""

    meter: LagMeter
    _known: dict[int, psutil.Process] = field(default_factory=dict)
    _rate: Rate = field(default_factory=Rate)

    async def render(
        self,
        connection: asyncpg.Connection,
        children: Sequence[Child],
        servers: Sequence[RunningServer],
    ) -> RenderableType:
        """One picture of the engine."""
        figures = await read_figures(connection, self.meter)
        rate = self._rate.note(figures.log_events, time.monotonic())
        lines = [self._server(server) for server in servers]
        lines += [self._child(child, figures.lag) for child in children]
        return picture(figures, rate, Processes(COLUMNS, lines), "Ctrl-C stops it all.")

    def _server(self, server: RunningServer) -> Line:
        cells = {"process": server.name, "pid": str(server.pid), "state": "runs"}
        return Line(cells | self._usage(server.pid))

    def _child(self, child: Child, lags: Mapping[str, int]) -> Line:
        lag = lags.get(child.process_name)
        cells = {
            "process": child.name,
            "pid": str(child.pid or ""),
            "state": "runs" if child.pid else "refused" if child.refused else "starts again",
            "lag": "" if lag is None else f"{lag:,}",
            "restarts": str(child.restarts or ""),
        }
        usage = self._usage(child.pid) if child.pid else {}
        return Line(cells | usage, is_bad=not child.pid)

    def _usage(self, pid: int) -> dict[str, str]:
        """CPU in per cent of one core since the last look, memory in MiB; children included."""
        try:
            process = self._known.setdefault(pid, psutil.Process(pid))
            cpu, memory = 0.0, 0
            for member in [process, *process.children(recursive=True)]:
                known = self._known.setdefault(member.pid, member)
                cpu += known.cpu_percent()
                memory += known.memory_info().rss
        except psutil.Error:
            return {}
        return {"CPU": f"{cpu:.0f} %", "memory": f"{memory // MEBIBYTE} MiB"}
