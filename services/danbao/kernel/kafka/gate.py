"""A consumer asks for records only when somebody is about to take them.

aiokafka asks for the next records as soon as the last were taken, and the broker answers with the
first that comes: then nothing more is asked until that one is taken.  Whoever takes records now and
then would get one at a time, each with a request and a batch of its own.
"""

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.protocol.fetch import FetchRequest


class FetchGate:
    """Holds a consumer's next request for records back while it is closed; it begins open."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        """Stand between a consumer and its broker."""
        self._is_open = asyncio.Event()
        self._is_open.set()
        client = consumer._client  # noqa: SLF001  it has no other name for it
        self._send = client.send
        client.send = self._send_through

    def open(self) -> None:
        """Records are wanted now."""
        self._is_open.set()

    def close(self) -> None:
        """Let records gather at the broker."""
        self._is_open.clear()

    async def _send_through(self, node: int, request: object, **options: object) -> Any:  # noqa: ANN401
        if isinstance(request, FetchRequest):
            await self._is_open.wait()
        return await self._send(node, request, **options)
