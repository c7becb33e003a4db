"""A histogram with a bucket for each percent or so: small, exact enough at any size.

Values are milliseconds.  Buckets are log-linear, as HDR histograms have them: 64 equal ones for
each doubling, from a microsecond on, so a value read back is at most 1.6 % too large.
"""

import math
from collections import Counter
from collections.abc import Iterable

BUCKETS_A_DOUBLING = 64
SMALLEST_MS = 0.001
PERCENTILES = (50.0, 90.0, 99.0, 99.9, 99.99)


class Histogram:
    """Counts values by bucket; knows the largest exactly."""

    def __init__(self, values_ms: Iterable[float] = ()) -> None:
        """Count some values at once."""
        self.count = 0
        self.max_ms = 0.0
        self._buckets: Counter[int] = Counter()
        for value in values_ms:
            self.add(value)

    def add(self, value_ms: float) -> None:
        """Count one value."""
        self.count += 1
        self.max_ms = max(self.max_ms, value_ms)
        self._buckets[_bucket(value_ms)] += 1

    def percentile(self, share: float) -> float:
        """The value that so many percent do not exceed; 0 when nothing was counted."""
        wanted, seen = math.ceil(self.count * share / 100), 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= wanted:
                return min(_upper(bucket), self.max_ms)
        return self.max_ms

    def share_over(self, limit_ms: float) -> float:
        """The share of values above a limit, at worst: a bucket that it divides counts whole."""
        if not self.count:
            return 0.0
        over = sum(n for bucket, n in self._buckets.items() if _upper(bucket) > limit_ms)
        return over / self.count

    def curve(self) -> list[tuple[float, float]]:
        """Percent and the value that so many do not exceed, bucket by bucket: for a plot."""
        points, seen = [], 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            points.append((100 * seen / self.count, min(_upper(bucket), self.max_ms)))
        return points

    def figures(self) -> dict[str, float]:
        """Count, percentiles and the largest, in milliseconds."""
        named = {f"p{share:g}_ms": self.percentile(share) for share in PERCENTILES}
        over = {"share_over_1_s": self.share_over(1000.0)}
        return {"count": self.count, **named, "max_ms": self.max_ms, **over}


def _bucket(value_ms: float) -> int:
    """The number of a value's bucket."""
    fraction, exponent = math.frexp(value_ms / SMALLEST_MS if value_ms > SMALLEST_MS else 1.0)
    return exponent * BUCKETS_A_DOUBLING + int((fraction - 0.5) * 2 * BUCKETS_A_DOUBLING)


def _upper(bucket: int) -> float:
    """The largest value of a bucket."""
    exponent, step = divmod(bucket, BUCKETS_A_DOUBLING)
    return math.ldexp(0.5 + (step + 1) / (2 * BUCKETS_A_DOUBLING), exponent) * SMALLEST_MS
