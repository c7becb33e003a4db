"""A transaction that nobody ends is told of by name; one that ends in time is not."""

import pytest
from aiokafka import TopicPartition

from danbao.kernel.errors import TransactionOpenError
from danbao.kernel.kafka.tail import OPEN_FOR_S, Hanging

A, B = TopicPartition("danbao.escrow.events", 0), TopicPartition("danbao.escrow.events", 1)


def test_a_partition_whose_readers_stand_still_is_named() -> None:
    """The operator must know where to look."""
    hanging = Hanging()
    hanging.check(0.0, {A: 5, B: 7}, {A: 5, B: 9})
    hanging.check(OPEN_FOR_S - 0.1, {A: 6, B: 7}, {A: 8, B: 9})
    with pytest.raises(TransactionOpenError, match=r"in danbao\.escrow\.events/1$"):
        hanging.check(OPEN_FOR_S, {A: 6, B: 7}, {A: 8, B: 12})


def test_one_transaction_after_the_other_is_no_alarm() -> None:
    """A busy relay has one open at nearly every look."""
    hanging = Hanging()
    for second in range(20):
        hanging.check(float(second), {A: second}, {A: second + 3})


def test_a_transaction_that_ended_is_forgotten() -> None:
    """The next one has its own time."""
    hanging = Hanging()
    hanging.check(0.0, {A: 5}, {A: 9})
    hanging.check(1.0, {A: 9}, {A: 9})
    hanging.check(OPEN_FOR_S, {A: 9}, {A: 10})
    hanging.check(OPEN_FOR_S * 2 - 0.1, {A: 9}, {A: 11})
