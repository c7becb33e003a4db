"""Numbers on their way to Prometheus."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from danbao.kernel.statistics import Histogram


class Sample(NamedTuple):
    """One number of a metric, with the values of its labels in the catalogue's order."""

    name: str
    value: float
    labels: tuple[str, ...] = ()


@dataclass(slots=True)
class Readings:
    """All that a process can say without asking anybody."""

    samples: list[Sample] = field(default_factory=list)
    histograms: Mapping[str, Histogram] = field(default_factory=dict)

    def add(self, **values: float) -> None:
        """Add numbers without labels; the names lack `danbao_`."""
        self.samples.extend(Sample(f"danbao_{name}", value) for name, value in values.items())


Samples: TypeAlias = list[Sample]
