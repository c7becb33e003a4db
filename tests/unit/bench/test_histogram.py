"""What a histogram says of what it counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danbao.bench.histogram import Histogram

values = st.lists(st.floats(min_value=0.001, max_value=1e6), min_size=1, max_size=200)


@given(values, st.sampled_from([1.0, 50.0, 90.0, 99.0, 99.9, 100.0]))
def test_a_percentile_is_never_too_small_and_hardly_too_large(
    counted: list[float], share: float
) -> None:
    """A promise about latency must not be kept by rounding."""
    exact = sorted(counted)[max(0, -(-len(counted) * share // 100).__int__() - 1)]

    found = Histogram(counted).percentile(share)

    assert exact <= found * (1 + 1e-9)
    assert found <= exact * 1.02


def test_the_largest_is_exact() -> None:
    assert Histogram([3.0, 77.77]).figures()["max_ms"] == 77.77


def test_the_share_above_a_second_is_counted() -> None:
    histogram = Histogram([10.0] * 98 + [1_500.0, 2_000.0])

    assert histogram.share_over(1_000.0) == pytest.approx(0.02)


def test_nothing_counted_is_nothing() -> None:
    assert Histogram().figures() == {
        "count": 0, "p50_ms": 0, "p90_ms": 0, "p99_ms": 0, "p99.9_ms": 0, "p99.99_ms": 0,
        "max_ms": 0, "share_over_1_s": 0,
    }  # fmt: skip


@given(values)
def test_the_curve_rises_to_all_of_them(counted: list[float]) -> None:
    curve = Histogram(counted).curve()

    assert curve == sorted(curve)
    assert curve[-1] == (100.0, max(counted))
