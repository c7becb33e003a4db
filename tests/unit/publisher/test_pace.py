"""When flows start."""

import math

from danbao.publisher.flows import Limits
from danbao.publisher.pace import Pace


def test_without_a_rate_the_room_is_filled() -> None:
    """A closed loop keeps `in_flight` flows open."""
    pace = Pace(Limits(in_flight=10))

    assert pace.allowed(0.0, unstarted=100, open_flows=4) == 6
    assert pace.allowed(0.0, unstarted=3, open_flows=4) == 3
    assert pace.allowed(0.0, unstarted=3, open_flows=10) == 0
    assert pace.wait_s(0.0, unstarted=3, open_flows=4) == math.inf


def test_with_a_rate_flows_start_by_the_clock() -> None:
    """An open loop starts what is due, whatever the engine does meanwhile."""
    pace = Pace(Limits(rate=10, uniform=True))

    assert pace.allowed(0.0, unstarted=100, open_flows=0) == 1
    assert pace.allowed(0.05, unstarted=99, open_flows=1) == 0
    assert math.isclose(pace.wait_s(0.05, unstarted=99, open_flows=1), 0.05)
    assert pace.allowed(0.55, unstarted=99, open_flows=1) == 5
    assert math.isclose(pace.late_s_max, 0.45)


def test_a_start_that_had_no_room_is_late_and_says_so() -> None:
    """A limit on open flows does not hide that the engine is too slow."""
    pace = Pace(Limits(rate=10, uniform=True, in_flight=1))
    pace.allowed(0.0, unstarted=9, open_flows=0)

    assert pace.allowed(3.0, unstarted=8, open_flows=1) == 0
    assert pace.wait_s(3.0, unstarted=8, open_flows=1) == math.inf
    assert pace.allowed(3.0, unstarted=8, open_flows=0) == 1
    assert math.isclose(pace.late_s_max, 2.9)


def test_poisson_starts_keep_the_rate() -> None:
    """Arrivals come in bursts as in life, and still as many as asked for."""
    pace = Pace(Limits(rate=1_000, in_flight=10**6))

    started = sum(pace.allowed(n / 100, 10**6, 0) for n in range(1_000))

    assert 9_500 < started < 10_500
