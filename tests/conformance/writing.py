"""Builders: rows, answers and batches in a word or two."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from uuid import NAMESPACE_OID, uuid5

from danbao.contracts.accounts import AccountFrozen
from danbao.kernel.messages import (
    Answer,
    Cause,
    CommandBody,
    DeadLetter,
    Record,
    Row,
    StateChange,
    TimerRow,
    TopicPartition,
    Writes,
)
from danbao.kernel.ports import Store
from danbao.kernel.rows import RowMaker

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
COMMANDS = TopicPartition("danbao.accounts.commands", 3)
EVENTS = TopicPartition("danbao.accounts.events", 3)
SERVICE = "accounts"


def command_id(name: str) -> str:
    """An id that follows from a name."""
    return str(uuid5(NAMESPACE_OID, name))


def body(text: str = "{}") -> CommandBody:
    """A command's canonical body."""
    return CommandBody("accounts.freeze_account.v1", text, sha256(text.encode()).digest())


def answer(name: str, first: int = 1, last: int = 1, text: str = "{}") -> Answer:
    """The inbox row of a command."""
    return Answer(command_id(name), body(text), "A-1", None, first, last)


def timer(name: str, due_at: datetime = NOON) -> TimerRow:
    """A deadline."""
    return TimerRow(
        timer_id=command_id(name),
        stream="trade/T-1",
        due_at=due_at,
        type="escrow.time_out_payment.v1",
        partition_key="T-1",
        correlation_id="c-1",
        data='{"generation":1,"trade_id":"T-1"}',
    )


def letter(
    offset: int,
    reason: str = "json_unreadable",
    key: str | None = "A-1",
    place: TopicPartition = COMMANDS,
) -> DeadLetter:
    """A record that was set aside."""
    record = Record(place, offset, b"A-1", b"{\x00", [("ce_id", b"\xff")])
    return DeadLetter(record, reason, "a reason\x00", key)


@dataclass
class Writer:
    """Writes batches through one store."""

    store: Store

    async def row(self, stream: str, version: int, text: str = "why") -> Row:
        """A row with its hash."""
        name = stream.partition("/")[2]
        event = AccountFrozen(account_id=name, reason=text)
        cause = Cause(command_id(f"{stream}/{version}"), "c-1", name, "operator:o", None)
        return RowMaker(await self.store.incarnation()).row(event, stream, version, (), cause)

    async def rows(self, *streams: str) -> list[Row]:
        """A first event of each stream."""
        return [await self.row(stream, 1) for stream in streams]

    async def writes(self, rows: Iterable[Row] = (), now: datetime = NOON) -> Writes:
        """A batch that appends rows and nothing else."""
        return Writes(now, await self.store.incarnation(), rows=list(rows))

    async def commit(self, writes: Writes) -> int:
        """Write a batch in a unit of its own."""
        async with self.store.unit() as unit:
            return await unit.write(SERVICE, writes)

    async def append(self, *streams: str, now: datetime = NOON) -> int:
        """Append the first event of each stream; gives the new head."""
        return await self.commit(await self.writes(await self.rows(*streams), now))

    async def begin(self, stream: str) -> int:
        """Append a stream's next event, as a batch does: lock, append, move the state."""
        async with self.store.unit() as unit:
            stored = (await unit.lock_streams([stream]))[stream]
            version = stored.version + 1
            writes = await self.writes([await self.row(stream, version)])
            writes.states = [StateChange(stream, stored.version, version, 1, "{}")]
            await unit.write(SERVICE, writes)
            return version
