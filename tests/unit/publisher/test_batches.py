"""Connecting to a Kafka that was away a moment ago."""

import asyncio
from types import SimpleNamespace

import pytest
from aiokafka.errors import KafkaError

from danbao.publisher import batches
from danbao.publisher.batches import BatchSender, PublishError

CLUSTER = SimpleNamespace(topics=lambda: {"danbao.escrow.commands"}, partitions_for_topic=list)


class Producer:
    """A client whose cluster names no broker so many times."""

    def __init__(self, times: int) -> None:
        self.client = self
        self._times = times

    async def start(self) -> None:
        """Bootstrapped, which needs no named broker."""

    async def fetch_all_metadata(self) -> object:
        self._times -= 1
        if self._times >= 0:
            raise KafkaError("Unable to get cluster metadata over all known brokers")
        return CLUSTER


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BROKER_LOOK_EVERY_S", 0.001)


def started(monkeypatch: pytest.MonkeyPatch, times: int) -> dict[str, int]:
    monkeypatch.setattr(batches, "make_producer", lambda *_, **__: Producer(times))
    return asyncio.run(BatchSender("127.0.0.1:1", client_id="test").start())


def test_a_broker_that_is_not_named_for_a_moment_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that hung is fenced until its controller has heard of it again."""
    assert started(monkeypatch, times=3) == {"danbao.escrow.commands": 22}


def test_a_broker_that_is_never_named_is_an_error_that_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batches, "BROKER_WITHIN_S", 0.02)

    with pytest.raises(PublishError, match=r"named no broker for 0\.02 s"):
        started(monkeypatch, times=10**6)
