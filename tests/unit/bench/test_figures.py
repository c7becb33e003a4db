"""What is done to measured figures before anybody quotes them."""

import pytest

from danbao.bench.drain import Round, Stretch
from danbao.bench.errors import VoidError
from danbao.bench.figures import middle, over_rounds, round_figures, spread
from danbao.bench.processor import Usage
from danbao.bench.standing import Disk
from danbao.bench.verdict import check_counts
from danbao.bench.whole_trades import Expected

GOOD = {
    "head": 85,
    "events": 85,
    "last": 85,
    "answered": 42,
    "refused": 0,
    "declined": 0,
    "dead_letters": 0,
    "released": 10,
    "credited": 10,
}
SENT = Expected(commands=42, events=85, credited=10)


def round_of(seconds: float) -> Round:
    """Ten trades in one step."""
    usage = Usage({"escrow": 0.02, "postgres": 0.01, "generator": 5.0}, {"escrow": 0.004})
    return Round(10, [Stretch("create", seconds / 2, seconds, usage, 900)], Disk({"event_log": 50}))


def test_a_run_with_all_that_was_sent_counts() -> None:
    check_counts(GOOD, SENT)


@pytest.mark.parametrize("name", GOOD)
def test_a_run_that_lost_or_doubled_anything_is_void(name: str) -> None:
    """Commands that hit the inbox would look splendid: it happened once."""
    with pytest.raises(VoidError, match=name):
        check_counts(GOOD | {name: GOOD[name] + 1}, SENT)


def test_the_generator_is_no_part_of_what_a_trade_costs() -> None:
    one = round_figures(round_of(2.0))

    assert one["cpu_ms_per_trade_of_the_engine"] == pytest.approx(3.0)
    assert one["cpu_ms_per_trade"]["generator"] == pytest.approx(500.0)
    assert one["wal_bytes_per_trade"] == 90
    assert one["trades_per_s"] == 5


def test_figures_are_medians_of_rounds_with_their_spread() -> None:
    figures = over_rounds(
        [round_figures(round_of(seconds)) for seconds in (1.0, 2.0, 4.0)], "trades_per_s"
    )

    assert figures["median"]["trades_per_s"] == 5
    assert figures["spread"] == pytest.approx((10 - 2.5) / 5)


def test_what_one_round_did_not_see_counts_as_nothing() -> None:
    """A client that came only in one round has no part in the others."""
    assert middle([{"a": {"x": 4.0}}, {"a": {}}]) == {"a": {"x": 2.0}}


def test_lists_are_compared_place_by_place_as_far_as_all_go() -> None:
    """One round took a moment longer than the other."""
    slow, fast = [{"ms": 3.0}, {"ms": 9.0}], [{"ms": 1.0}]

    assert middle([{"slices": slow}, {"slices": fast}]) == {"slices": [{"ms": 2.0}]}


def test_a_single_value_has_no_spread() -> None:
    assert spread([3.0]) == 0


def test_usage_between_two_readings_is_never_below_zero() -> None:
    """A process that was started again begins at nothing."""
    used = Usage({"relay": 1.0, "new": 2.0}).since(Usage({"relay": 3.0}))

    assert used.seconds == {"relay": 0.0, "new": 2.0}
