"""How long records gather: longer where many share the work."""

from danbao.kernel.gathering import GATHER_S_MAX, gather_s
from danbao.kernel.messages import TopicPartition

TOPICS = ("danbao.escrow.commands", "danbao.risk.events")


def claimed(partitions: int) -> list[TopicPartition]:
    """So many partitions of each topic."""
    return [TopicPartition(topic, number) for topic in TOPICS for number in range(partitions)]


def test_one_worker_rests_as_long_as_its_batch_took() -> None:
    """It is busy for half of the time, then."""
    assert gather_s(0.005, claimed(8), 8) == 0.005


def test_a_long_batch_is_not_followed_by_a_long_rest() -> None:
    """Latency counts, too."""
    assert gather_s(3.0, claimed(8), 8) == GATHER_S_MAX


def test_four_workers_together_rest_no_less_than_one() -> None:
    """Else the same records make four times as many batches."""
    assert gather_s(0.005, claimed(2), 8) == 4 * 0.005


def test_a_worker_that_has_just_lost_its_partitions_rests_too() -> None:
    """Nothing is divided by nothing."""
    assert gather_s(0.005, [], 8) == 8 * 0.005
