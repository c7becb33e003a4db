"""What the generator hears: how long commands took, and when that was."""

import pytest

from danbao.bench.loops import SLICE_S, Ear
from danbao.bench.whole_trades import CREATE
from danbao.publisher.commandfile import Line
from danbao.publisher.flows import Answers

BEGUN_AT = 1000.0


def answered(due_at: float) -> Answers:
    """What is known of a command that was to go out then."""
    answers = Answers(Line(number=1, partitionkey="t", id="c1", type=CREATE))
    answers.due_at = due_at
    return answers


def test_a_command_counts_in_the_slice_in_which_it_was_to_go_out() -> None:
    """A stall shows where it began, not where its last answer came."""
    ear = Ear(BEGUN_AT)
    late = BEGUN_AT + 2.5 * SLICE_S

    ear("t1", "escrow.trade_created.v1", answered(BEGUN_AT + 1.0), BEGUN_AT + 1.05)
    ear("t2", "escrow.trade_created.v1", answered(late), late + SLICE_S)

    assert [each.count for each in ear.slices] == [1, 0, 1]
    assert ear.slices[0].max_ms == pytest.approx(50.0)
    assert ear.slices[2].max_ms == pytest.approx(SLICE_S * 1000)


def test_an_event_that_answers_nothing_is_in_no_slice() -> None:
    ear = Ear(BEGUN_AT)

    ear("t1", "escrow.trade_funded.v1", None, BEGUN_AT + 1.0)

    assert ear.slices == []
