"""When flows start."""

import math

import pytest

from danbao.publisher.limits import Burst, Limits
from danbao.publisher.pace import Pace


def test_without_a_rate_the_room_is_filled() -> None:
    """A closed loop keeps `in_flight` flows open."""
    pace = Pace(Limits(in_flight=10))

    assert len(pace.starts(0.0, unstarted=100, open_flows=4)) == 6
    assert len(pace.starts(0.0, unstarted=3, open_flows=4)) == 3
    assert len(pace.starts(0.0, unstarted=3, open_flows=10)) == 0
    assert pace.wait_s(0.0, unstarted=3, open_flows=4) == math.inf


def test_with_a_rate_flows_start_by_the_clock() -> None:
    """An open loop starts what is due, whatever the engine does meanwhile."""
    pace = Pace(Limits(rate=10, uniform=True))

    assert len(pace.starts(0.0, unstarted=100, open_flows=0)) == 1
    assert len(pace.starts(0.05, unstarted=99, open_flows=1)) == 0
    assert math.isclose(pace.wait_s(0.05, unstarted=99, open_flows=1), 0.05)
    assert len(pace.starts(0.55, unstarted=99, open_flows=1)) == 5
    assert math.isclose(pace.late_s_max, 0.45)


def test_a_start_that_had_no_room_is_late_and_says_so() -> None:
    """A limit on open flows does not hide that the engine is too slow."""
    pace = Pace(Limits(rate=10, uniform=True, in_flight=1))
    pace.starts(0.0, unstarted=9, open_flows=0)

    assert len(pace.starts(3.0, unstarted=8, open_flows=1)) == 0
    assert pace.wait_s(3.0, unstarted=8, open_flows=1) == math.inf
    assert len(pace.starts(3.0, unstarted=8, open_flows=0)) == 1
    assert math.isclose(pace.late_s_max, 2.9)


def test_a_late_start_counts_from_when_it_was_due() -> None:
    """Waiting for the engine is part of how long it took, or a slow one would look quick."""
    pace = Pace(Limits(rate=10, uniform=True))

    assert pace.starts(0.25, unstarted=9, open_flows=0) == [0.0, 0.1, 0.2]


def test_poisson_starts_keep_the_rate() -> None:
    """Arrivals come in bursts as in life, and still as many as asked for."""
    pace = Pace(Limits(rate=1_000, in_flight=10**6))

    started = sum(len(pace.starts(n / 100, 10**6, 0)) for n in range(1_000))

    assert 9_500 < started < 10_500


def test_a_burst_raises_the_rate_for_its_time() -> None:
    """A flash sale begins and ends at a known second."""
    burst = Burst(factor=10, begin_s=10, end_s=20)
    pace = Pace(Limits(rate=10, uniform=True, burst=burst, in_flight=10**6))

    counts = [len(pace.starts(float(second), 10**6, 0)) for second in (9, 10, 20, 30)]

    assert counts == pytest.approx([91, 10, 1_000, 100], abs=11)
