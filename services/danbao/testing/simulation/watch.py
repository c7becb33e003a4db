"""What is checked at every commit of a simulation: the log, the money, offsets and timers.

It folds the log by itself, from the texts of its rows: an event's postings and nothing else say
what money moved.  Only the names of accounts are known to it, and which side is their normal one.
"""

import asyncio
from collections import Counter, defaultdict
from datetime import datetime
from typing import Final

import msgspec

from danbao.kernel.memory.tables import EPOCH, Changes
from danbao.kernel.messages import LogRow, Offset, TopicPartition
from danbao.testing.simulation.world import World

DEBIT_SIDE: Final = ("R.CB", "R.CHRECV", "R.DUE_FROM_O", "O.BANK", "O.DUE_FROM_R", "O.EXP.")
GUARDED: Final = ("R.CUST.", "R.MPEND.", "R.MAVL.", "R.MDEP.", "R.CB")


class MoneyMoved(msgspec.Struct, forbid_unknown_fields=True):
    """A posting, as the contract has it."""

    debit: str
    credit: str
    minor: int
    currency: str


moves = msgspec.json.Decoder(list[MoneyMoved])


class Watch:
    """The log so far, as somebody sees it who trusts nobody."""

    def __init__(self, world: World) -> None:
        """Nothing was committed yet."""
        self.world = world
        self.position = 0
        self.recorded_at = EPOCH
        self.versions: Counter[str] = Counter()
        self.balances: Counter[tuple[str, str]] = Counter()
        """Positive on the account's normal side."""
        self.offsets: dict[tuple[str, TopicPartition], Offset] = {}
        self.timers: dict[str, datetime] = {}
        """When each timer that was ever set is due."""
        self.seen: dict[str, Counter[str]] = defaultdict(Counter)
        """Events of each flow, by type: what clients wait for."""
        self._waiting: dict[str, list[asyncio.Event]] = defaultdict(list)

    def committed(self, who: str, changes: Changes) -> None:
        """Check what was committed just now."""
        world = self.world
        log = world.tables.log
        rows = changes.rows
        world.note("commit", who, len(rows), len(log))
        for row, leaf in zip(rows, changes.leaves, strict=True):
            self._check_row(row)
            world.note(leaf.leaf_hash.hex()[:8], row.type)
        if self.position != len(log) or (rows and log[-1] is not rows[-1]):
            world.fail(f"the log has {len(log)} rows, but {self.position} were committed")
        self._check_balances(changes)
        self._check_offsets(changes)
        for name, timer in changes.timers.put.items():
            if self.timers.setdefault(name, timer.due_at) != timer.due_at:
                world.fail(f"timer {name} of {timer.stream} has two moments")

    async def wait_for(self, flow: str, seconds: float) -> bool:
        """Wait until a flow has something new; tell whether it has, within so many seconds."""
        news = asyncio.Event()
        self._waiting[flow].append(news)
        try:
            async with asyncio.timeout(seconds):
                await news.wait()
        except TimeoutError:
            return False
        return True

    def _check_row(self, row: LogRow) -> None:
        fail = self.world.fail
        if row.position != self.position + 1:
            fail(f"position {row.position} follows {self.position}")
        self.position = row.position
        if row.recorded_at < self.recorded_at:
            fail(f"position {row.position} was recorded before the one in front of it")
        self.recorded_at = row.recorded_at
        self.versions[row.stream] += 1
        if row.version != self.versions[row.stream]:
            fail(f"{row.stream} has version {row.version} after {self.versions[row.stream] - 1}")
        due_at = self.timers.get(row.causation_id)
        if due_at is not None and row.recorded_at < due_at:
            fail(f"position {row.position}: a timer of {due_at} fired at {row.recorded_at}")
        if row.postings is not None:
            self._move(row)
        self.seen[row.partition_key][row.type] += 1
        for news in self._waiting.pop(row.partition_key, ()):
            news.set()

    def _move(self, row: LogRow) -> None:
        assert row.postings is not None
        balances = self.balances
        for each in moves.decode(row.postings):
            if each.minor <= 0 or each.debit[0] != each.credit[0] or each.debit == each.credit:
                self.world.fail(f"position {row.position}: no posting can be {each}")
            debit, credit = (each.debit, each.currency), (each.credit, each.currency)
            balances[debit] += each.minor if each.debit.startswith(DEBIT_SIDE) else -each.minor
            balances[credit] += -each.minor if each.credit.startswith(DEBIT_SIDE) else each.minor
            for key in (debit, credit):
                if balances[key] < 0:
                    self.world.fail(f"position {row.position}: {key} fell to {balances[key]}")

    def _check_balances(self, changes: Changes) -> None:
        """Guarded balances are what the log's postings come to."""
        for account, minor in changes.balances.put.items():
            if minor != self.balances[account]:
                self.world.fail(
                    f"{account} has {minor} in its row, but {self.balances[account]} by the log"
                )

    def _check_offsets(self, changes: Changes) -> None:
        """What was read is never unread."""
        for key, offset in changes.offsets.put.items():
            before = self.offsets.get(key)
            if before is not None and (
                offset.next_offset < before.next_offset
                or offset.last_sequence < before.last_sequence
                or offset.epoch < before.epoch
            ):
                service, place = key
                self.world.fail(
                    f"{service} at {place.topic}/{place.partition} went back from "
                    f"{before.next_offset} in epoch {before.epoch} to {offset.next_offset} in "
                    f"{offset.epoch}"
                )
            self.offsets[key] = offset
