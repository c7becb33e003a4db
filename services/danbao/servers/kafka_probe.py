"""Ask a broker whether it is ready: a Metadata request written by hand.

A listening port is not enough, because Kafka opens it before the broker may lead partitions; a
broker that is not ready does not appear in its own list of brokers. The answer also names the
cluster: another Kafka that took our port must not pass for ours. Written by hand so that finding
servers needs no Kafka client. Format: Kafka protocol guide, Metadata, version 2.
"""

import asyncio
import struct

from danbao.servers.ports import LOOPBACK

METADATA_KEY = 3
METADATA_VERSION = 2
NO_TOPICS = 0
PROBE_S = 2.0


def metadata_request() -> bytes:
    """Encode a request for the brokers and for no topic, without a client id."""
    body = struct.pack(">hhihi", METADATA_KEY, METADATA_VERSION, 1, -1, NO_TOPICS)
    return struct.pack(">i", len(body)) + body


def parse_metadata(response: bytes) -> tuple[int, str]:
    """Return the number of brokers and the id of the cluster; the message starts at its first byte.

    Raises:
        struct.error: the message is too short.
    """
    _, brokers = struct.unpack_from(">ii", response)
    place = 8
    for _ in range(brokers):
        _, place = _text(response, place + 4)  # behind the node id
        _, place = _text(response, place + 4)  # behind the port: the rack
    cluster_id, _ = _text(response, place)
    return brokers, cluster_id


async def is_ready(port: int, cluster_id: str) -> bool:
    """Say whether this cluster's broker lists itself as alive."""
    try:
        async with asyncio.timeout(PROBE_S):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            try:
                writer.write(metadata_request())
                (size,) = struct.unpack(">i", await reader.readexactly(4))
                brokers, answered = parse_metadata(await reader.readexactly(size))
            finally:
                writer.close()
    except (OSError, EOFError, TimeoutError, struct.error, UnicodeDecodeError):
        return False
    return brokers > 0 and answered == cluster_id


def _text(message: bytes, place: int) -> tuple[str, int]:
    """Read a text with its length before it; length -1 stands for none."""
    (length,) = struct.unpack_from(">h", message, place)
    end = place + 2 + max(length, 0)
    return message[place + 2 : end].decode(), end
