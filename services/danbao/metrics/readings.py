"""What a process says of itself, from memory: called from the thread that answers scrapes."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Final

import psutil

from danbao.kernel.clock import SystemClock
from danbao.kernel.projector import Projector
from danbao.kernel.relay import Relay
from danbao.kernel.scheduler import Scheduler
from danbao.kernel.worker import Worker
from danbao.metrics.sample import Readings, Sample
from danbao.watch.state import Watched

VERSION: Final = version("danbao")


def read(process: Watched, is_ready: Callable[[], bool]) -> Readings:
    """Take the counters and gauges of a process, those of its kind included."""
    readings = Readings()
    itself = psutil.Process()
    with itself.oneshot():
        cpu, memory = itself.cpu_times(), itself.memory_info()
    readings.samples.append(Sample("danbao_build_info", 1, (VERSION,)))
    readings.add(
        process_ready=is_ready(),
        process_resident_bytes=memory.rss,
        process_cpu_seconds_total=cpu.user + cpu.system,
    )
    match process:
        case Worker():
            _read_worker(process, readings)
        case Relay():
            readings.add(relayed_events_total=process.published, relay_leading=process.is_leading)
        case Projector():
            readings.add(projected_events_total=process.projected)
        case Scheduler():
            readings.add(sent_timers_total=process.sent)
        case _:  # the others have nothing to count
            pass
    return readings


def _read_worker(worker: Worker, readings: Readings) -> None:
    statistics, oldest_s = worker.statistics, worker.source.oldest_s()
    now_s = SystemClock().now().timestamp()
    readings.add(
        records_total=statistics.records,
        commands_total=statistics.commands,
        events_total=statistics.events,
        duplicate_records_total=statistics.duplicates,
        dead_letters_total=statistics.dead_letters,
        retried_letters_total=statistics.letters_retried,
        batches_total=statistics.batches,
        batch_retries_total=statistics.retries,
        claimed_partitions=worker.claimed,
        held_partitions=worker.held,
        record_age_seconds=0.0 if oldest_s is None else max(0.0, now_s - oldest_s),
    )
    readings.samples.extend(
        Sample("danbao_refusals_total", count, (code,))
        for code, count in sorted(dict(statistics.refusals).items())
    )
    readings.histograms = {
        "danbao_batch_records": statistics.batch_records,
        "danbao_batch_seconds": statistics.batch_seconds,
        "danbao_append_seconds": statistics.append_seconds,
    }
