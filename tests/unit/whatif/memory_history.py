"""The log of an engine in memory, as a what-if asks for it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import msgspec

from danbao.kernel.loaded import Account
from danbao.kernel.memory.tables import Tables
from danbao.kernel.messages import LogRow
from danbao.ledger.posting import Posting, movements
from danbao.whatif.decisions import Entry, KeptCommand
from danbao.whatif.history import STREAM_ROWS_MAX, StreamRow

_postings = msgspec.json.Decoder(tuple[Posting, ...])


class MemoryHistory:
    """The memory side of History."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self._commands: dict[int, KeptCommand] = {}
        for stored in tables.inbox.values():
            body, first, last = stored.answer.body, stored.first_position, stored.last_position
            command = KeptCommand(body.type, body.text, body.sha256, first, last)
            self._commands.update(dict.fromkeys(range(first, last + 1), command))
        self._decided = {
            position: time.decided_at
            for time in tables.decision_times
            for position in range(time.first_position, time.last_position + 1)
        }

    async def incarnation(self) -> UUID:
        return self.tables.incarnation

    async def entries(self, after: int, upto: int) -> Sequence[Entry]:
        return [
            Entry(
                row,
                self._decided.get(row.position, row.recorded_at),
                self._commands.get(row.position),
            )
            for row in self.tables.log[after:upto]
        ]

    async def rows_of_streams(
        self, after: Mapping[str, int], upto: int
    ) -> Mapping[str, Sequence[StreamRow]]:
        found = {
            stream: [
                StreamRow(row.version, row.type, row.data)
                for row in self.tables.streams.get(stream, ())
                if row.version > version and row.position <= upto
            ][:STREAM_ROWS_MAX]
            for stream, version in after.items()
        }
        return {stream: rows for stream, rows in found.items() if rows}

    async def sources(
        self, flows: Iterable[str], ids: Iterable[str], upto: int
    ) -> Sequence[LogRow]:
        wanted, among = set(ids), set(flows)
        return [
            row
            for row in self.tables.log[:upto]
            if row.event_id in wanted and row.partition_key in among
        ]

    async def balances(self, accounts: Iterable[Account], position: int) -> Mapping[Account, int]:
        nets: Counter[Account] = Counter()
        for row in self.tables.log[:position]:
            for account, currency, change in movements(_postings.decode(row.postings or "[]")):
                nets[account, currency] += change
        return {account: nets[account] for account in accounts}
