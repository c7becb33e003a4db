"""The one screen of `danbao up`: processes, lag and throughput, refreshed each second."""

import time
from dataclasses import dataclass, field

import asyncpg
import psutil
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from danbao.engine.idle import Q
from danbao.engine.supervisor import Child
from danbao.servers import RunningServer

MEBIBYTE = 1024 * 1024


@dataclass(slots=True)
class Screen:
    """Remembers what it showed last, so that it can show rates."""

    _processes: dict[int, psutil.Process] = field(default_factory=dict)
    _position: int = 0
    _at: float = 0.0

    async def render(
        self,
        connection: asyncpg.Connection,
        lags: dict[str, int],
        children: list[Child],
        servers: list[RunningServer],
    ) -> RenderableType:
        """One picture of the engine."""
        standing = await connection.fetchrow(Q["standing"])
        assert standing is not None
        now = time.monotonic()
        rate = (standing["position"] - self._position) / (now - self._at) if self._at else 0.0
        self._position, self._at = standing["position"], now
        lines = Text.assemble(
            ("danbao 担保 ", "bold"),
            f"  log {standing['position']:,} events   {rate:,.0f} events/s   ",
            f"relay behind {standing['relay']:,}   read models behind {standing['projections']}",
            f"   timers due {standing['timers']}",
        )
        return Group(
            lines, self._table(lags, children, servers), Text("Ctrl-C stops it all.", "dim")
        )

    def _table(
        self, lags: dict[str, int], children: list[Child], servers: list[RunningServer]
    ) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0))
        for column in ("process", "pid", "state", "lag", "restarts", "CPU", "memory"):
            table.add_column(column, justify="left" if column in {"process", "state"} else "right")
        for server in servers:
            table.add_row(server.name, str(server.pid), "runs", "", "", *self._usage(server.pid))
        for child in children:
            state = "runs" if child.pid else "refused" if child.refused else "starts again"
            style = "" if child.pid else "bold red"
            usage = self._usage(child.pid) if child.pid else ("", "")
            restarts = str(child.restarts or "")
            pid = str(child.pid or "")
            lag = lags.get(child.process_name)
            behind = "" if lag is None else f"{lag:,}"
            table.add_row(child.name, pid, state, behind, restarts, *usage, style=style)
        return table

    def _usage(self, pid: int) -> tuple[str, str]:
        """CPU in per cent of one core since the last look, memory in MiB; children included."""
        try:
            process = self._processes.setdefault(pid, psutil.Process(pid))
            family = [process, *process.children(recursive=True)]
            cpu = 0.0
            memory = 0
            for member in family:
                known = self._processes.setdefault(member.pid, member)
                cpu += known.cpu_percent()
                memory += known.memory_info().rss
        except psutil.Error:
            return "", ""
        return f"{cpu:.0f} %", f"{memory // MEBIBYTE} MiB"
