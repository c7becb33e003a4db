"""What each process of an engine holds in memory over time, in megabytes of resident set."""

from collections import defaultdict
from dataclasses import dataclass, field
from statistics import median

import psutil
from rich.table import Table
from tests.faults.fleet import Fleet
from tests.integration.running_engine import family_of

GROWTH_MAX = 1.25
SLACK_MB = 16
SERVERS = ("postgres", "kafka")
"""They fill the caches that they were given; they are shown, not judged."""


@dataclass(slots=True)
class Memory:
    """Samples by process name, each with the share of the run that was over."""

    samples: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))

    def look(self, fleet: Fleet, share: float) -> None:
        """Take one sample of all that lives."""
        for name, member in fleet.members.items():
            if name.endswith("-0"):
                self._note(name, share, [psutil.Process(member.process.pid)])
        for server in fleet.servers.processes:
            self._note(server.name, share, family_of(server.pid))

    def _note(self, name: str, share: float, processes: list[psutil.Process]) -> None:
        total = 0.0
        for process in processes:
            try:
                is_server = name in SERVERS  # the sessions of Postgres share most of what they hold
                info = process.memory_full_info() if is_server else process.memory_info()
                total += (info.pss if is_server else info.rss) / 1e6
            except psutil.Error:
                continue  # it has just ended
        if total:
            self.samples[name].append((share, total))

    def between(self, name: str, begin: float, end: float) -> float:
        """The median in a part of the run; of all of it when there is no sample."""
        all_of_it = self.samples[name]
        part = [mb for share, mb in all_of_it if begin <= share <= end]
        return median(part or [mb for _, mb in all_of_it])

    def grown(self) -> list[str]:
        """Name the processes that are larger at the end than after their warm-up."""
        return [
            name
            for name in self.samples
            if name not in SERVERS
            and self.between(name, 0.85, 1) > self.between(name, 0.2, 0.4) * GROWTH_MAX + SLACK_MB
        ]

    def table(self) -> Table:
        """Show start, warm-up, end and the most that was seen."""
        table = Table("process", "start MB", "after warm-up", "end", "most", title="Memory")
        for name in sorted(self.samples):
            parts = (self.between(name, *part) for part in ((0, 0.1), (0.2, 0.4), (0.85, 1)))
            most = max(mb for _, mb in self.samples[name])
            table.add_row(name, *(f"{mb:.0f}" for mb in (*parts, most)))
        return table
