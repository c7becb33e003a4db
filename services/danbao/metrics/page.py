"""The page at `/metrics`, in the text format of Prometheus.

`prometheus_client` is imported when the first scrape comes: others need no room for it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, groupby

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from danbao.kernel.statistics import Histogram
from danbao.metrics.catalogue import BY_NAME, EVERYWHERE, Kind
from danbao.metrics.sample import Readings, Sample

Read = Callable[[], tuple[Readings, Iterable[Sample]]]
"""Gives what the process says itself, and what was asked for."""


@dataclass(frozen=True, slots=True)
class Collector:
    """What `prometheus_client` asks at every scrape."""

    identity: tuple[str, str]
    read: Read

    def collect(self) -> Iterator[Metric]:
        """Give every metric that has a number now, in the catalogue's names."""
        readings, asked = self.read()
        samples = sorted((*readings.samples, *asked), key=lambda sample: sample.name)
        for name, group in groupby(samples, key=lambda sample: sample.name):
            yield self._family(name, group)
        for name, histogram in readings.histograms.items():
            yield self._histogram(name, histogram)

    def _family(self, name: str, samples: Iterable[Sample]) -> Metric:
        metric = BY_NAME[name]
        make = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
        family = make(name, metric.text, labels=(*EVERYWHERE, *metric.labels))
        for sample in samples:
            assert len(sample.labels) == len(metric.labels)
            family.add_metric((*self.identity, *sample.labels), sample.value)
        return family

    def _histogram(self, name: str, histogram: Histogram) -> Metric:
        family = HistogramMetricFamily(name, BY_NAME[name].text, labels=EVERYWHERE)
        bounds = [*map(str, map(float, histogram.bounds)), "+Inf"]
        counts = accumulate(list(histogram.counts))
        family.add_metric(self.identity, list(zip(bounds, counts, strict=True)), histogram.total)
        return family


class Page:
    """The text of one process."""

    def __init__(self, name: str, worker: str, read: Read) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(Collector((name, worker), read))

    def text(self) -> bytes:
        """Take all numbers and write them down."""
        return generate_latest(self._registry)
