"""Every metric that exists: name, kind, labels, who has it and what it says.

Names are `danbao_<noun>_<unit>`, counters end in `_total`; labels have few values.  Dashboards,
alerts and docs/reference/metrics.md are held against this list by tests.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What Prometheus does with it."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


EVERY: Final = "every process"
WORKER: Final = "workers"

EVERYWHERE: Final = ("process", "worker")
"""Labels of every metric: the name of the process, and which of that name."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric."""

    name: str
    kind: Kind
    owner: str
    """Which process has it."""
    text: str
    labels: tuple[str, ...] = ()
    """Besides those of `EVERYWHERE`."""
    is_asked: bool = False
    """Asked of Postgres or Kafka at scrape time; missing while they do not answer."""


def _counter(name: str, owner: str, text: str, *labels: str) -> Metric:
    return Metric(name, Kind.COUNTER, owner, text, labels)


def _gauge(name: str, owner: str, text: str, *labels: str) -> Metric:
    return Metric(name, Kind.GAUGE, owner, text, labels)


def _asked(name: str, owner: str, text: str, *labels: str) -> Metric:
    return Metric(name, Kind.GAUGE, owner, text, labels, is_asked=True)


def _histogram(name: str, text: str) -> Metric:
    return Metric(name, Kind.HISTOGRAM, WORKER, text)


METRICS: Final = (
    _gauge("danbao_build_info", EVERY, "1, with the version of the code as a label", "version"),
    _gauge("danbao_process_ready", EVERY, "1 while `/readyz` says ready, else 0"),
    _gauge("danbao_process_resident_bytes", EVERY, "Memory that the process holds"),
    _counter("danbao_process_cpu_seconds_total", EVERY, "Processor time used"),
    _gauge(
        "danbao_figures_ready",
        EVERY,
        "1 while Postgres and Kafka answer the questions of scrapes, else 0",
    ),
    _counter("danbao_records_total", WORKER, "Records of topics that were handled"),
    _counter("danbao_commands_total", WORKER, "Commands answered, refusals included"),
    _counter("danbao_events_total", WORKER, "Events appended to the log"),
    _counter("danbao_duplicate_records_total", WORKER, "Commands that had been answered before"),
    _counter("danbao_refusals_total", WORKER, "Commands refused, by code", "code"),
    _counter("danbao_dead_letters_total", WORKER, "Records set aside as dead letters"),
    _counter("danbao_retried_letters_total", WORKER, "Dead letters handled after all"),
    _counter("danbao_batches_total", WORKER, "Batches committed"),
    _counter(
        "danbao_batch_retries_total",
        WORKER,
        "Attempts that the database refused, or that lost against another worker's",
    ),
    _histogram("danbao_batch_records", "Records in a batch"),
    _histogram("danbao_batch_seconds", "A batch, from its first lock to its commit"),
    _histogram(
        "danbao_append_seconds",
        "The statement that writes a batch, the log last: waiting for other writers, and work",
    ),
    _gauge("danbao_claimed_partitions", WORKER, "Partitions that this worker has claimed"),
    _gauge("danbao_held_partitions", WORKER, "Partitions that wait for another service's event"),
    _gauge(
        "danbao_record_age_seconds",
        WORKER,
        "Lag in seconds: age of the oldest record in hand, 0 when there is none",
    ),
    _counter("danbao_relayed_events_total", "relay", "Events published to Kafka"),
    _gauge("danbao_relay_leading", "relay", "1 if it publishes, 0 if it stands by"),
    _asked("danbao_log_events", "relay", "Events in the log: its last position"),
    _asked("danbao_log_bytes", "relay", "What the log takes on disk, indexes included"),
    _asked("danbao_relay_lag_events", "relay", "Events in the log that are not published yet"),
    _asked("danbao_relay_delay_seconds", "relay", "Age of the oldest event not published yet"),
    _counter("danbao_projected_events_total", "projector", "Events projected into read models"),
    _asked(
        "danbao_projection_lag_events", "projector", "Events a read model has not seen yet", "model"
    ),
    _asked(
        "danbao_projection_delay_seconds",
        "projector",
        "Age of the oldest event that a read model has not seen",
        "model",
    ),
    _counter("danbao_sent_timers_total", "scheduler", "Commands of deadlines sent, repeats too"),
    _asked("danbao_overdue_timers", "scheduler", "Deadlines that have come and are not handled"),
    _asked("danbao_timer_delay_seconds", "scheduler", "Age of the oldest of these"),
    _asked(
        "danbao_lag_records",
        "scheduler",
        "Records that a service has still to read, by topic; also of services without workers",
        "service",
        "topic",
    ),
    _asked(
        "danbao_waiting_letters",
        "scheduler",
        "Dead letters that nobody has retried or discarded",
        "service",
    ),
    _asked("danbao_closing_lag_events", "bookkeeper", "Events since the books were closed last"),
    _asked(
        "danbao_reserve_gap_minor",
        "bookkeeper",
        "What the reserve has, less what it owes, at the last closing; 0, or the books are wrong",
        "currency",
    ),
    _asked(
        "danbao_reserve_cover_minor",
        "bookkeeper",
        "Money at banks less what customers may claim, at the last closing; never below 0",
        "currency",
    ),
)

BY_NAME: Final[Mapping[str, Metric]] = {metric.name: metric for metric in METRICS}
