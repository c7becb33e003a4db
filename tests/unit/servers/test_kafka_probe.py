"""The readiness question is read and written byte by byte."""

import struct

import pytest

from danbao.servers.kafka_probe import metadata_request, parse_metadata


def text(value: str) -> bytes:
    """Encode a text with its length."""
    return struct.pack(">h", len(value)) + value.encode()


NO_RACK = struct.pack(">h", -1)
BROKER = struct.pack(">i", 1) + text("127.0.0.1") + struct.pack(">i", 9092) + NO_RACK
REST = struct.pack(">ii", 1, 0)


def answer(*brokers: bytes) -> bytes:
    """Encode a response with these brokers."""
    return struct.pack(">ii", 1, len(brokers)) + b"".join(brokers) + text("cluster") + REST


def test_the_request_says_its_own_length() -> None:
    """A broker waits for ever for bytes that never come."""
    request = metadata_request()

    assert struct.unpack_from(">i", request)[0] == len(request) - 4


@pytest.mark.parametrize("count", [0, 1, 3])
def test_brokers_are_counted_and_the_cluster_is_named(count: int) -> None:
    """No broker means: listening, but not yet able to lead."""
    assert parse_metadata(answer(*[BROKER] * count)) == (count, "cluster")


def test_a_cut_answer_is_an_error_not_a_broker() -> None:
    """Something else than Kafka may answer on the port."""
    with pytest.raises(struct.error):
        parse_metadata(answer(BROKER)[:12])
