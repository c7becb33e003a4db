"""The proxy's eye for messages: wherever the network cuts the stream, it finds the same ones."""

import struct
from random import Random

import pytest
from tests.faults.frames import (
    COMMIT,
    PRODUCE,
    Cut,
    Request,
    kafka_messages,
    postgres_requests,
    postgres_responses,
    produce_error,
    request_of,
)


def framed(kind: bytes, body: bytes, *, counts_itself: bool = True) -> bytes:
    """A message with its length."""
    return kind + struct.pack(">i", len(body) + 4 * counts_itself) + body


def found(cut: Cut, stream: bytes, random: Random) -> list[bytes]:
    """The messages of a stream that arrives in pieces."""
    buffer, messages = bytearray(), []
    while stream:
        size = random.randint(1, 7)
        buffer += stream[:size]
        stream = stream[size:]
        messages += list(cut(buffer))
    assert not buffer
    return messages


KAFKA = [framed(b"", bytes(number), counts_itself=False) for number in (4, 0, 30)]
STARTUP = framed(b"", b"\0\3\0\0user\0danbao\0\0")
REQUESTS = [STARTUP, framed(b"p", b"secret"), framed(b"Q", COMMIT), framed(b"X", b"")]
RESPONSES = [framed(b"R", b"\0\0\0\0"), framed(b"N", b"notice\0"), framed(b"C", b"COMMIT\0")]


@pytest.mark.parametrize(
    ("cut", "messages"),
    [
        (kafka_messages, KAFKA),
        (postgres_requests, REQUESTS),
        (postgres_responses, RESPONSES),
    ],
)
def test_messages_are_found_however_the_stream_is_cut(cut: Cut, messages: list[bytes]) -> None:
    """A fault that is to hit a COMMIT must not hit its neighbour."""
    for seed in range(50):
        assert found(cut, b"".join(messages), Random(seed)) == messages


def test_a_request_is_known_by_its_key() -> None:
    """Otherwise another request than the Produce is kept back."""
    message = framed(b"", struct.pack(">hhi", PRODUCE, 0, 77) + b"rest", counts_itself=False)
    assert request_of(message) == Request(PRODUCE, 77)


@pytest.mark.parametrize("topic", [b"danbao.escrow.events", b"t"])
def test_what_the_broker_said_to_records_is_found_behind_the_topic(topic: bytes) -> None:
    """A test that reads another number believes a fence that is not there."""
    partition = struct.pack(">ihqqq", 5, 47, -1, -1, 0)
    body = struct.pack(">iih", 77, 1, len(topic)) + topic + struct.pack(">i", 1) + partition
    assert produce_error(framed(b"", body, counts_itself=False)) == 47
