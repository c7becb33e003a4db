"""Keeps one EndTxn of a producer back, and lets it arrive when a test wants: late, and unexpected.

What Jepsen found on real Kafka (Bufstream report, 2024): it may then end the next transaction.
"""

import asyncio
from dataclasses import dataclass, field

from tests.faults.fleet import NotHitError, until
from tests.faults.frames import (
    ADD_PARTITIONS_TO_TXN,
    END_TXN,
    PRODUCE,
    correlation_of,
    end_txn_error,
    request_of,
)
from tests.faults.proxy import UP, Proxy, Wire

ANSWER_WITHIN_S = 10
ADDED, WRITTEN = "partitions added", "records written"
STAGES = {ADDED: ADD_PARTITIONS_TO_TXN, WRITTEN: PRODUCE}
"""How far the next transaction is when the late end lands in it: the answer that it waits for."""
NO_ERROR = 0


@dataclass(slots=True)
class LateEnd:
    """A hook of a proxy to Kafka; `arm` it, and it takes the next EndTxn."""

    proxy: Proxy
    stage: str = ""
    """When it is let go by itself; empty: when the test says so."""
    resets: bool = False
    """Whether its sender sees its connection break, and so sends it once more at once."""
    error: int | None = None
    """What the broker said to the late end; 0: it has ended a transaction."""
    _is_armed: bool = False
    _held: tuple[Wire, int] | None = None
    _asked: dict[tuple[Wire, int], int] = field(default_factory=dict)
    _let_go: asyncio.Event = field(default_factory=asyncio.Event)
    _answered: asyncio.Event = field(default_factory=asyncio.Event)
    _next_begun: bool = False

    def arm(self) -> None:
        """Take the next EndTxn."""
        self._is_armed = True
        self.proxy.hooks.insert(0, self)

    async def wait_held(self, within_s: float = 30) -> None:
        """Return once an EndTxn is kept back: a transaction is open."""
        await until(lambda: self._held is not None, within_s, "an EndTxn is held", NotHitError)

    def let_go(self) -> None:
        """Let it arrive now."""
        self._let_go.set()

    async def wait_answered(self, within_s: float) -> int:
        """Wait until the broker answered the late end; gives the error code."""
        await until(self._answered.is_set, within_s, "the late EndTxn is answered", NotHitError)
        assert self.error is not None
        return self.error

    async def __call__(self, wire: Wire, direction: str, message: bytes) -> bytes:
        """See one message."""
        if direction == UP:
            return await self._request(wire, message)
        asked = self._asked.pop((wire, correlation_of(message)), None)
        if self._held == (wire, correlation_of(message)):
            self.error = end_txn_error(message)
            self._answered.set()
        elif self._held is not None and self._next_begun and asked == STAGES.get(self.stage):
            self._let_go.set()
            async with asyncio.timeout(ANSWER_WITHIN_S):
                await self._answered.wait()
        return message

    async def _request(self, wire: Wire, message: bytes) -> bytes:
        request = request_of(message)
        place = (wire, request.correlation_id)
        if self._is_armed and request.api_key == END_TXN:
            self._is_armed, self._held = False, place
            self.proxy.did["EndTxn held"] += 1
            if self.resets:
                wire.client.transport.abort()
            await self._let_go.wait()
            wire.server.write(message)  # by ourselves: its sender may be gone, and with it the wire
            self.proxy.did["EndTxn late"] += 1
            async with asyncio.timeout(ANSWER_WITHIN_S):
                await self._answered.wait()
            return b""
        if self._held is not None and request.api_key == ADD_PARTITIONS_TO_TXN:
            self._next_begun = True
        self._asked[place] = request.api_key
        return message
