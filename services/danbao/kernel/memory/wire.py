"""The wire between a process and its servers in memory: one call for each time it is crossed.

Nothing happens on it unless a simulator puts its own in: that one delays, breaks and freezes.
"""

from typing import Protocol


class Wire(Protocol):
    """What a request and its answer pass through."""

    async def cross(self, what: str) -> None:
        """Let a request or an answer through.

        Raises:
            UnavailableError: the connection broke on the way.
        """
        ...


class DirectWire:
    """A wire of no length."""

    async def cross(self, what: str) -> None:
        """Let everything through at once."""


DIRECT = DirectWire()
