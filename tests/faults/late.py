"""Keeps one Produce of the relay back, and lets it arrive when a test wants: late, and unexpected.

What it carries was acknowledged to nobody; its sender may have given it up, sent it again, or died.
"""

import asyncio
from dataclasses import dataclass, field

from tests.faults.fleet import NotHitError, until
from tests.faults.frames import PRODUCE, correlation_of, produce_error, request_of
from tests.faults.proxy import UP, Proxy, Wire

ANSWER_WITHIN_S = 10


@dataclass(slots=True)
class LateRecords:
    """A hook of a proxy to Kafka; `arm` it, and it takes the next Produce."""

    proxy: Proxy
    resets: bool = False
    """Whether its sender sees its connection break, and so sends it once more at once."""
    error: int | None = None
    """What the broker said to it; 0: it has taken the records."""
    _is_armed: bool = False
    _held: tuple[Wire, int] | None = None
    _let_go: asyncio.Event = field(default_factory=asyncio.Event)
    _answered: asyncio.Event = field(default_factory=asyncio.Event)

    def arm(self) -> None:
        """Take the next Produce."""
        self._is_armed = True
        self.proxy.hooks.insert(0, self)

    async def wait_held(self, within_s: float = 30) -> None:
        """Return once a Produce is kept back."""
        await until(lambda: self._held is not None, within_s, "a Produce is held", NotHitError)

    def let_go(self) -> None:
        """Let it arrive now."""
        self._let_go.set()

    async def wait_answered(self, within_s: float) -> int:
        """Wait until the broker answered it; gives the error code of its first partition."""
        await until(self._answered.is_set, within_s, "the late Produce is answered", NotHitError)
        assert self.error is not None
        return self.error

    async def __call__(self, wire: Wire, direction: str, message: bytes) -> bytes:
        """See one message."""
        if direction == UP:
            return await self._request(wire, message)
        if self._held == (wire, correlation_of(message)):
            self.error = produce_error(message)
            self._answered.set()
        return message

    async def _request(self, wire: Wire, message: bytes) -> bytes:
        request = request_of(message)
        if not self._is_armed or request.api_key != PRODUCE:
            return message
        self._is_armed, self._held = False, (wire, request.correlation_id)
        self.proxy.did["Produce held"] += 1
        if self.resets:
            wire.client.transport.abort()
        await self._let_go.wait()
        wire.server.write(message)  # by ourselves: its sender may be gone, and with it the wire
        self.proxy.did["Produce late"] += 1
        async with asyncio.timeout(ANSWER_WITHIN_S):
            await self._answered.wait()
        return b""
