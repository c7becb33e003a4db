"""Deadlines that stand still and go on: what both parties' remaining time rests on."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from danbao.escrow.countdown import Countdown
from danbao.testing.builders import START

DAY = timedelta(days=1)


def test_a_running_countdown_is_due_from_its_moment_on() -> None:
    """Nobody loses a microsecond of the time that was promised."""
    countdown = Countdown().run(START + DAY)

    assert not countdown.is_due(1, START + DAY - timedelta(microseconds=1))
    assert countdown.is_due(1, START + DAY)
    assert countdown.is_due(1, START + 2 * DAY)


@pytest.mark.parametrize("generation", [0, 1, 3])
def test_a_timer_of_another_generation_is_stale(generation: int) -> None:
    """A timer that was replaced must not fire for the deadline that replaced it."""
    countdown = Countdown().run(START).run(START + DAY)

    assert not countdown.is_due(generation, START + 2 * DAY)
    assert countdown.is_due(2, START + 2 * DAY)


def test_a_paused_countdown_is_never_due() -> None:
    """A timer that was already on its way when the trade was frozen does nothing."""
    paused = Countdown().run(START + DAY).pause(START)

    assert not paused.is_due(paused.generation, START + 100 * DAY)


def test_a_pause_keeps_exactly_what_was_left() -> None:
    """Pausing gives nothing and takes nothing."""
    paused = Countdown().run(START + DAY).pause(START + timedelta(hours=1, microseconds=1))

    assert paused.left == timedelta(hours=22, minutes=59, seconds=59, microseconds=999_999)


def test_pausing_what_is_overdue_keeps_nothing() -> None:
    """Being late is not paid back with negative time."""
    assert Countdown().run(START).pause(START + DAY).left == timedelta(0)


def test_a_second_pause_changes_nothing() -> None:
    """Frozen with an open refund: only the first stop counts."""
    paused = Countdown().run(START + DAY).pause(START)

    assert paused.pause(START + timedelta(hours=5)) == paused


@settings(deadline=None)
@for_all(
    st.lists(
        st.tuples(
            st.sampled_from(["run", "pause", "hold"]),
            st.timedeltas(min_value=timedelta(0), max_value=60 * DAY),
        )
    )
)
def test_a_countdown_either_runs_or_stands_still_and_never_reuses_a_generation(
    steps: list[tuple[str, timedelta]],
) -> None:
    """A timer's identity is its generation: two moments under one would lose one of them."""
    countdown = Countdown()
    seen: dict[int, datetime] = {}
    for step, span in steps:
        match step:
            case "run":
                countdown = countdown.run(START + span)
            case "pause":
                countdown = countdown.pause(START + span)
            case _:
                countdown = countdown.hold(span)
        assert countdown.at is None or countdown.left_us is None
        if countdown.at is not None:
            assert seen.setdefault(countdown.generation, countdown.at) == countdown.at
