"""Records as the client's parser makes them, read one at a time."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from danbao.kernel.kafka.bare import BareRecords

PLACE = TopicPartition("danbao.escrow.events", 3)
HEADERS = [("ce_type", b"escrow.trade_created.v1"), ("ce_sequence", b"7")]


class State:
    """Where a consumer stands in a partition."""

    paused = False

    def __init__(self) -> None:
        self.position = 0

    def consumed_to(self, position: int) -> None:
        self.position = position


class Client:
    """The parts of a consumer that are looked at."""

    def __init__(self) -> None:
        self._fetcher = SimpleNamespace(_records={})
        self.state = State()
        self.assignment = SimpleNamespace(active=True, state_value=lambda _: self.state)

    def fetched(self, batch: bytes) -> Any:  # noqa: ANN401
        """What it keeps of a response until somebody takes it."""
        parsed = PartitionRecords(PLACE, MemoryRecords(batch), [], 0, None, None, False, 1)
        self._fetcher._records[PLACE] = FetchResult(
            PLACE, assignment=self.assignment, partition_records=parsed, backoff=0
        )
        return self._fetcher._records[PLACE]


def batch(keys: Sequence[bytes]) -> bytes:
    """Records as a broker sends them."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 100_000)
    for offset, key in enumerate(keys):
        builder.append(offset, 1_000, key, b"{}", HEADERS)
    return bytes(builder.build())


def test_key_value_and_headers_are_those_that_were_written() -> None:
    """Nothing that a reader looks at is lost with the wrapping."""
    client = Client()
    bare = BareRecords(client)
    result = client.fetched(batch([b"T1", b"T2"]))

    records = [(r.key, r.value, list(r.headers)) for r in result.getall(None)]

    assert records == [(b"T1", b"{}", HEADERS), (b"T2", b"{}", HEADERS)]
    assert bare.arrived_at > 0


def test_a_consumer_stands_behind_what_was_read() -> None:
    """The next response begins with the next record: none twice, none left out."""
    client = Client()
    BareRecords(client)
    result = client.fetched(batch([b"T1", b"T2", b"T3"]))

    assert len(list(result.getall(None))) == 3
    assert client.state.position == 3
    assert not result.has_more()


def test_a_response_without_records_for_us_is_empty() -> None:
    """Markers of transactions move a consumer on and are nothing to wait for."""
    client = Client()
    BareRecords(client)
    marker = bytearray(batch([b"\0\0\0\1"]))
    marker[22] |= 0x20  # a control batch

    assert client.fetched(bytes(marker)).getall(None) == []
    assert client.state.position == 1


def test_records_of_a_partition_that_was_left_are_not_given() -> None:
    """Somebody moved the consumer meanwhile: what came is not what comes next."""
    client = Client()
    BareRecords(client)
    result = client.fetched(batch([b"T1"]))
    client.state.position = 40

    assert result.getall(None) == []
    assert client.state.position == 40
