"""The engine in figures at one moment: what waits where, as all screens and `--json` show it."""

from collections.abc import Mapping

import asyncpg
import msgspec

from danbao.app import SERVICES, TOPICS_READ
from danbao.kernel.clock import SystemClock
from danbao.kernel.lag import LagMeter
from danbao.metrics.questions import ask_projector, ask_relay, ask_scheduler
from danbao.metrics.sample import Sample


class Waiting(msgspec.Struct, frozen=True):
    """So many things wait, the oldest for so long."""

    count: int
    seconds: float = 0.0


class TopicLag(msgspec.Struct, frozen=True):
    """What a service has still to read of one topic."""

    service: str
    topic: str
    records: int
    seconds: float
    """Age of the first unread record; 0 when there is none."""


class EngineFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What waits anywhere."""

    log_events: int
    relay: Waiting
    projections: Mapping[str, Waiting]
    timers: Waiting
    letters: Mapping[str, int]
    """Dead letters that nobody has settled, by service."""
    lag: Mapping[str, int]
    """Records that each service has still to read."""


class Numbers:
    """Samples by name, and by name and first label."""

    def __init__(self, samples: list[Sample]) -> None:
        self._samples = samples

    def one(self, name: str) -> float:
        """The sample without labels; 0 for none."""
        return next((s.value for s in self._samples if s.name == name), 0.0)

    def by_label(self, name: str) -> dict[str, float]:
        """Samples by their first label, added up over the others."""
        sums: dict[str, float] = {}
        for sample in self._samples:
            if sample.name == name:
                sums[sample.labels[0]] = sums.get(sample.labels[0], 0.0) + sample.value
        return sums


async def read_figures(connection: asyncpg.Connection, meter: LagMeter) -> EngineFigures:
    """Ask what metrics ask, at once.

    Raises:
        UnavailableError: Kafka does not answer.
    """
    ask = ask_scheduler(meter, list(SERVICES))
    numbers = Numbers(
        [*await ask_relay(connection), *await ask_projector(connection), *await ask(connection)]
    )
    delays = numbers.by_label("danbao_projection_delay_seconds")
    return EngineFigures(
        log_events=int(numbers.one("danbao_log_events")),
        relay=Waiting(
            int(numbers.one("danbao_relay_lag_events")), numbers.one("danbao_relay_delay_seconds")
        ),
        projections={
            model: Waiting(int(lag), delays.get(model, 0.0))
            for model, lag in numbers.by_label("danbao_projection_lag_events").items()
        },
        timers=Waiting(
            int(numbers.one("danbao_overdue_timers")), numbers.one("danbao_timer_delay_seconds")
        ),
        letters=_whole(numbers.by_label("danbao_waiting_letters")),
        lag=_whole(numbers.by_label("danbao_lag_records")),
    )


def _whole(values: Mapping[str, float]) -> dict[str, int]:
    return {key: int(value) for key, value in values.items()}


async def read_topic_lags(connection: asyncpg.Connection, meter: LagMeter) -> list[TopicLag]:
    """Read the lag of each service by topic; seconds come from the unread records themselves.

    Raises:
        UnavailableError: Kafka does not answer.
    """
    lags, ages = await meter.read(connection), await meter.ages(connection)
    now = SystemClock().now().timestamp()
    return [
        TopicLag(
            service,
            topic,
            lags[service, topic] if (service, topic) in ages else 0,
            round(max(0.0, now - ages.get((service, topic), now)), 3),
        )
        for service in SERVICES
        for topic in TOPICS_READ[service]
    ]
