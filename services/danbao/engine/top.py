"""`danbao top`: the engine as its processes tell it at `/metrics`, wherever they run."""

import asyncio
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field

import asyncpg
import msgspec

from danbao.engine.figures import EngineFigures, read_figures
from danbao.engine.screen import Line, Processes, Rate, age_text
from danbao.kernel.lag import LagMeter

ANSWER_WITHIN_S = 1.0
MEBIBYTE = 1024 * 1024
COLUMNS = ("process", "state", "events/s", "lag", "age", "CPU", "memory")
COUNTED = (
    "danbao_events_total",
    "danbao_relayed_events_total",
    "danbao_projected_events_total",
    "danbao_sent_timers_total",
)
"""What a process does, whichever of these it has."""


class ProcessFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One process at one moment."""

    name: str
    answers: bool
    is_ready: bool = False
    events_per_s: float = 0.0
    lag: int | None = None
    """Records that its service has still to read; None for helpers."""
    age_s: float | None = None
    """Age of the oldest record in hand."""
    cpu_percent: float = 0.0
    """Of one core, since the last look."""
    memory_bytes: int = 0


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One look at everything."""

    engine: EngineFigures
    events_per_s: float
    processes: list[ProcessFigures]


@dataclass(slots=True)
class Top:
    """Looks again and again; rates are those since the last look."""

    meter: LagMeter
    health: Mapping[str, str]
    """Addresses of processes, by name; URLs without a path."""
    _rates: dict[tuple[str, str], Rate] = field(default_factory=dict)

    async def look(self, connection: asyncpg.Connection) -> Look:
        """Look once.

        Raises:
            UnavailableError: Kafka does not answer.
        """
        pages = await asyncio.gather(
            *(asyncio.to_thread(scrape, url) for url in self.health.values())
        )
        figures, now = await read_figures(connection, self.meter), time.monotonic()
        return Look(
            engine=figures,
            events_per_s=self._rate("log", "", figures.log_events, now),
            processes=[
                self._process(name, page, figures.lag, now)
                for name, page in zip(self.health, pages, strict=True)
            ],
        )

    def _process(
        self, name: str, page: Mapping[str, float], lags: Mapping[str, int], now: float
    ) -> ProcessFigures:
        if not page:
            return ProcessFigures(name=name, answers=False)
        done = sum(page.get(counted, 0.0) for counted in COUNTED)
        cpu = self._rate(name, "cpu", page["danbao_process_cpu_seconds_total"], now)
        return ProcessFigures(
            name=name,
            answers=True,
            is_ready=bool(page["danbao_process_ready"]),
            events_per_s=round(self._rate(name, "events", done, now), 1),
            lag=lags.get(name.rpartition("-")[0]),
            age_s=page.get("danbao_record_age_seconds"),
            cpu_percent=round(100 * cpu, 1),
            memory_bytes=int(page["danbao_process_resident_bytes"]),
        )

    def _rate(self, name: str, what: str, value: float, now: float) -> float:
        return self._rates.setdefault((name, what), Rate()).note(value, now)


def scrape(url: str) -> dict[str, float]:
    """Read a process's metrics that have no further labels; empty when it does not answer."""
    from prometheus_client.parser import (  # noqa: PLC0415 - other commands start without it
        text_string_to_metric_families,
    )

    try:
        with urllib.request.urlopen(f"{url}/metrics", timeout=ANSWER_WITHIN_S) as answer:  # noqa: S310 - our own processes
            text = answer.read().decode()
    except OSError:
        return {}
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.labels.keys() == {"process", "worker"}
    }


def processes_of(look: Look) -> Processes:
    """The table of a look."""
    return Processes(COLUMNS, [_line(process) for process in look.processes])


def _line(process: ProcessFigures) -> Line:
    if not process.answers:
        return Line({"process": process.name, "state": "no answer"}, is_bad=True)
    cells = {
        "process": process.name,
        "state": "ready" if process.is_ready else "not ready",
        "events/s": f"{process.events_per_s:,.0f}",
        "lag": "" if process.lag is None else f"{process.lag:,}",
        "age": "" if process.age_s is None else age_text(process.age_s),
        "CPU": f"{process.cpu_percent:.0f} %",
        "memory": f"{process.memory_bytes // MEBIBYTE} MiB",
    }
    return Line(cells, is_bad=not process.is_ready)
