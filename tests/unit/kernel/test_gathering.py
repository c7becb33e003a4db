"""How long records gather: longer where nobody waits, and where many share the work."""

from danbao.kernel.gathering import (
    ANSWERS_S_MAX,
    ASKED_S,
    PASSED_OVER_S_MAX,
    PASSED_OVER_TIMES,
    REACTIONS_S_MAX,
    REACTIONS_TIMES,
    Gathering,
)
from danbao.kernel.messages import TopicPartition

TOPICS = ("danbao.escrow.commands", "danbao.risk.events")
NOW = 1000.0


def claimed(partitions: int) -> list[TopicPartition]:
    """So many partitions of each topic."""
    return [TopicPartition(topic, number) for topic in TOPICS for number in range(partitions)]


def gathering(
    took_s: float, *, answered_at: float | None = NOW, appended_at: float | None = NOW
) -> Gathering:
    """What a worker knows after a batch that took so long."""
    made = Gathering()
    if answered_at is not None:
        made.did(3, 0, answered_at)
    if appended_at is not None:
        made.did(0, 3, appended_at)
    made.took(took_s, is_behind=False)
    return made


def test_one_worker_rests_as_long_as_its_batch_took() -> None:
    """It is busy for half of the time, then."""
    assert gathering(0.005).rest_s(NOW, claimed(8), 8) == 0.005


def test_a_long_batch_is_not_followed_by_a_long_rest() -> None:
    """Latency counts, too."""
    assert gathering(3.0).rest_s(NOW, claimed(8), 8) == ANSWERS_S_MAX


def test_a_worker_that_only_reacts_rests_longer() -> None:
    """Nobody waits for it."""
    assert gathering(0.005, answered_at=None).rest_s(NOW, claimed(8), 8) == REACTIONS_TIMES * 0.005
    assert gathering(3.0, answered_at=None).rest_s(NOW, claimed(8), 8) == REACTIONS_S_MAX


def test_a_worker_that_passes_over_all_events_rests_longest() -> None:
    """Most of what channel reads are credits, which it does nothing about."""
    idle = gathering(0.005, answered_at=None, appended_at=NOW - ASKED_S)
    assert idle.rest_s(NOW, claimed(8), 8) == PASSED_OVER_TIMES * 0.005
    idle.took(3.0, is_behind=False)
    assert idle.rest_s(NOW, claimed(8), 8) == PASSED_OVER_S_MAX
    idle.did(0, 1, NOW)
    assert idle.rest_s(NOW, claimed(8), 8) == REACTIONS_S_MAX


def test_who_answered_lately_may_be_asked_again() -> None:
    """A batch without commands between two with some does not make the second wait."""
    made = gathering(3.0, answered_at=NOW)
    made.did(0, 3, NOW + ASKED_S / 2)
    assert made.rest_s(NOW + ASKED_S / 2, claimed(8), 8) == ANSWERS_S_MAX
    assert made.rest_s(NOW + ASKED_S, claimed(8), 8) == REACTIONS_S_MAX


def test_a_worker_that_is_behind_goes_on_at_once() -> None:
    """More records are there than one batch takes."""
    made = gathering(0.005)
    made.took(3.0, is_behind=True)
    assert made.rest_s(NOW, claimed(8), 8) == 0


def test_four_workers_together_rest_no_less_than_one() -> None:
    """Else the same records make four times as many batches."""
    assert gathering(0.005).rest_s(NOW, claimed(2), 8) == 4 * 0.005


def test_many_that_only_react_rest_as_long_as_the_longer_rule_says() -> None:
    """Both make batches fuller; they are not multiplied."""
    react = gathering(0.005, answered_at=None)
    assert react.rest_s(NOW, claimed(4), 8) == REACTIONS_TIMES * 0.005
    assert react.rest_s(NOW, claimed(1), 8) == 8 * 0.005


def test_a_worker_that_has_just_lost_its_partitions_rests_too() -> None:
    """Nothing is divided by nothing."""
    assert gathering(0.005).rest_s(NOW, [], 8) == 8 * 0.005
