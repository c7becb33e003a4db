"""Where messages begin and end in the two protocols: what the proxy must know to hit in between.

Kafka: a length (4 bytes), then for a request its api key and version (2 each) and correlation id
(4).  Postgres without TLS: a kind (1 byte), then a length that counts itself; a client's first
message has no kind.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

Cut: TypeAlias = Callable[[bytearray], Iterator[bytes]]
"""Takes whole messages off the front of what has come so far."""

PRODUCE, METADATA, FIND_COORDINATOR = 0, 3, 10
COMMIT = b"COMMIT; NOTIFY danbao_log\0"
"""How the COMMIT of a batch that wrote to the log ends."""


def kafka_messages(buffer: bytearray) -> Iterator[bytes]:
    """Whole requests or responses."""
    yield from _messages(buffer, length_at=0, counted_from=4)


def postgres_requests(buffer: bytearray) -> Iterator[bytes]:
    """Whole messages of a client; one without a kind begins with the high byte of its length."""
    if buffer and buffer[0] == 0:
        yield from _messages(buffer, length_at=0, counted_from=0, limit=1)
    if buffer and buffer[0] != 0:
        yield from _messages(buffer, length_at=1, counted_from=1)


def postgres_responses(buffer: bytearray) -> Iterator[bytes]:
    """Whole messages of a server."""
    yield from _messages(buffer, length_at=1, counted_from=1)


def _messages(
    buffer: bytearray, *, length_at: int, counted_from: int, limit: int = -1
) -> Iterator[bytes]:
    while limit and len(buffer) >= length_at + 4:
        size = counted_from + int(struct.unpack_from(">i", buffer, length_at)[0])
        if len(buffer) < size:
            return
        message = bytes(buffer[:size])
        del buffer[:size]
        limit -= 1
        yield message


@dataclass(frozen=True, slots=True)
class Request:
    """The head of a Kafka request."""

    api_key: int
    correlation_id: int


def request_of(message: bytes) -> Request:
    """Read the head of a Kafka request."""
    api_key, _, correlation_id = struct.unpack_from(">hhi", message, 4)
    return Request(api_key, correlation_id)


def correlation_of(response: bytes) -> int:
    """To which request a Kafka response belongs."""
    return int(struct.unpack_from(">i", response, 4)[0])


def produce_error(response: bytes) -> int:
    """The error code of the first partition in the answer to a Produce, before version 9.

    Behind the correlation id come topics (a count, then each name with its length), and in each a
    count of partitions: number, then error code.
    """
    name = int(struct.unpack_from(">h", response, 12)[0])
    return int(struct.unpack_from(">h", response, 14 + name + 8)[0])
