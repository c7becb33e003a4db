"""What a what-if asks of the log, wherever it is kept."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from danbao.kernel.loaded import Account
from danbao.kernel.messages import LogRow
from danbao.whatif.decisions import Entry

STREAM_ROWS_MAX = 500
"""Rows of one stream that are given at once."""


class StreamRow(NamedTuple):
    """What a fold needs of a row."""

    version: int
    type: str
    data: str


class History(Protocol):
    """A log with its inbox, to be read as of any position."""

    async def incarnation(self) -> UUID:
        """Which log this is."""
        ...

    async def entries(self, after: int, upto: int) -> Sequence[Entry]:
        """Give the events of a stretch, positions above `after`, up to `upto`.

        May be asked while another question waits for its answer.
        """
        ...

    async def rows_of_streams(
        self, after: Mapping[str, int], upto: int
    ) -> Mapping[str, Sequence[StreamRow]]:
        """Give the next rows of streams, versions above those named, positions up to `upto`.

        At most `STREAM_ROWS_MAX` of each; less means that there are no more.
        """
        ...

    async def sources(
        self, flows: Iterable[str], ids: Iterable[str], upto: int
    ) -> Sequence[LogRow]:
        """Give the events of flows that have these ids."""
        ...

    async def balances(self, accounts: Iterable[Account], position: int) -> Mapping[Account, int]:
        """Give what each account came to at a position, positive on its normal side."""
        ...
