"""Takes COMMITs, or the answers to them, out of the network: their sender cannot know which."""

from dataclasses import dataclass, field
from random import Random

from tests.faults.frames import COMMIT
from tests.faults.proxy import UP, Proxy, Wire

COMMIT_LOST, ANSWER_LOST = "COMMIT lost", "answer to COMMIT lost"
DONE = b"COMMIT\0"


@dataclass(slots=True)
class CommitThief:
    """A hook of a proxy to Postgres; each theft ends the connection."""

    proxy: Proxy
    random: Random
    share: float
    """So many of the COMMITs of batches are hit."""
    _waiting: set[Wire] = field(default_factory=set)

    async def __call__(self, wire: Wire, direction: str, message: bytes) -> bytes:
        """See one message."""
        if direction == UP:
            return self._request(wire, message)
        if wire in self._waiting and message.endswith(DONE):
            return self._take(wire, ANSWER_LOST)
        return message

    def _request(self, wire: Wire, message: bytes) -> bytes:
        if not message.endswith(COMMIT) or self.random.random() > self.share:
            return message
        if self.random.random() < 0.5:
            return self._take(wire, COMMIT_LOST)
        self._waiting.add(wire)
        return message

    def _take(self, wire: Wire, what: str) -> bytes:
        self.proxy.did[what] += 1
        wire.reset()
        return b""
