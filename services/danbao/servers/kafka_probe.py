"""Ask a broker whether it is ready: a Metadata request written by hand.

A listening port is not enough, because Kafka opens it before the broker may lead partitions; a
broker that is not ready does not appear in its own list of brokers. Written by hand so that
finding servers needs no Kafka client. Format: KIP-4, Metadata request and response, version 1.
"""

import asyncio
import struct

from danbao.servers.ports import LOOPBACK

METADATA_KEY = 3
METADATA_VERSION = 1
NO_TOPICS = 0
PROBE_S = 2.0


def metadata_request() -> bytes:
    """Encode a request for the brokers and for no topic, without a client id."""
    body = struct.pack(">hhih i", METADATA_KEY, METADATA_VERSION, 1, -1, NO_TOPICS)
    return struct.pack(">i", len(body)) + body


def broker_count(response: bytes) -> int:
    """Read how many brokers the response lists: the number behind the correlation id."""
    _, count = struct.unpack_from(">ii", response)
    return int(count)


async def is_ready(port: int) -> bool:
    """Say whether the broker lists itself as alive."""
    try:
        async with asyncio.timeout(PROBE_S):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            try:
                writer.write(metadata_request())
                (size,) = struct.unpack(">i", await reader.readexactly(4))
                return broker_count(await reader.readexactly(size)) > 0
            finally:
                writer.close()
    except (OSError, EOFError, TimeoutError, struct.error):
        return False
