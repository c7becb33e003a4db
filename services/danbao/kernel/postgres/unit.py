"""One transaction on Postgres: locks in one order, then writes, the log last (architecture 6)."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

import asyncpg
from msgspec.structs import astuple

from danbao.kernel.absence import keep_absent
from danbao.kernel.clock import PostgresClock
from danbao.kernel.crash import crash_point
from danbao.kernel.errors import ConflictError
from danbao.kernel.letters import clean_detail, letter_columns, to_kept_letter
from danbao.kernel.loaded import Account
from danbao.kernel.messages import (
    BEGINNING,
    KeptLetter,
    Locked,
    LogRow,
    Offset,
    StateChange,
    StoredStream,
    TopicPartition,
    Writes,
)
from danbao.kernel.postgres.rows import to_log_row
from danbao.kernel.sql import load_queries

Q = load_queries("danbao.kernel.postgres", "store.sql")


class PostgresUnit:
    """The real side of the Unit port."""

    def __init__(
        self, connection: asyncpg.Connection, begun_facts: AbstractSet[str], clock: PostgresClock
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._begun_facts = begun_facts
        self.facts_begun: set[str] = set()
        """Keys of facts that have a row once this transaction is committed."""
        self._begun_streams: set[str] = set()
        """Streams that have a row of version 0 from here."""
        self._locked_balances: set[Account] = set()
        self.append_s = 0.0
        self.has_appended = False

    async def lock_offsets(
        self, service: str, places: Iterable[TopicPartition]
    ) -> dict[TopicPartition, Offset]:
        """Lock how far the service has read."""
        return (await self.lock(service, places, (), ())).offsets

    async def lock(
        self,
        service: str,
        places: Iterable[TopicPartition],
        command_ids: Iterable[str],
        streams: Iterable[str],
    ) -> Locked:
        """Lock how far the service has read, find answers, and lock the streams that are there."""
        topics, partitions = _columns(places, 2)
        wanted = sorted(streams)
        rows = await self._connection.fetch(
            Q["lock"], service, topics, partitions, list(command_ids), wanted
        )
        locked = Locked({}, {}, dict.fromkeys(wanted, BEGINNING))
        for kind, name, hashed, state, n1, n2, n3, n4, n5, told, moved in rows:
            if kind == "offset":
                self._clock.tell(told, moved)
                locked.offsets[TopicPartition(name, n1)] = Offset(n2, n3, n4, n5, hashed)
            elif kind == "answer":
                locked.answers[name] = hashed
            else:
                locked.streams[name] = StoredStream(n1, n2, state)
        return locked

    async def find_streams(self, streams: Iterable[str]) -> set[str]:
        """Give those streams that the log has events of."""
        return {row[0] for row in await self._connection.fetch(Q["find_streams"], list(streams))}

    async def lock_streams(self, streams: Iterable[str]) -> dict[str, StoredStream]:
        """Lock streams, those about to begin too."""
        wanted = sorted(streams)
        locked = await self._lock_streams(wanted)
        if late := [stream for stream in wanted if stream not in locked]:
            locked |= await self._lock_streams(late)  # another worker was faster
        if len(locked) != len(wanted):
            raise ConflictError("a stream came and went while it was locked")
        return locked

    async def _lock_streams(self, streams: list[str]) -> dict[str, StoredStream]:
        rows = await self._connection.fetch(Q["lock_streams"], streams)
        locked = {row[0]: StoredStream(*row[1:]) for row in rows}
        self._begun_streams.update(stream for stream, each in locked.items() if not each.version)
        return locked

    async def read_stream(self, stream: str) -> Sequence[LogRow]:
        """Give all events of a stream, oldest first."""
        return [to_log_row(row) for row in await self._connection.fetch(Q["read_stream"], stream)]

    async def share_facts(self, keys: Iterable[str]) -> dict[str, str | None]:
        """Lock shared facts against change, and give them."""
        wanted = sorted(keys)
        unsure = [key for key in wanted if key not in self._begun_facts]
        shared = await self._share_facts(wanted, unsure)
        if late := [key for key in wanted if key not in shared]:  # another worker was faster
            shared |= await self._share_facts(late, [])
        self.facts_begun.update(unsure)
        return shared

    async def _share_facts(self, keys: list[str], unsure: list[str]) -> dict[str, str | None]:
        rows = await self._connection.fetch(Q["share_facts"], keys, unsure)
        return {row[0]: row[1] for row in rows}

    async def lock_balances(self, accounts: Iterable[Account]) -> dict[Account, int]:
        """Lock guarded accounts that may be debited."""
        wanted = sorted(accounts)
        locked = await self._lock_balances(wanted)
        if missing := [account for account in wanted if account not in locked]:
            await self._connection.execute(Q["begin_balances"], *_columns(missing, 2))
            locked.update(await self._lock_balances(missing))
        self._locked_balances.update(wanted)
        return locked

    async def _lock_balances(self, accounts: list[Account]) -> dict[Account, int]:
        rows = await self._connection.fetch(Q["lock_balances"], *_columns(accounts, 2))
        return {(row[0], row[1]): row[2] for row in rows}

    async def lock_letters(
        self, service: str, place: TopicPartition, flow: str | None, limit: int
    ) -> Sequence[KeptLetter]:
        """Lock dead letters, the oldest first."""
        rows = await self._connection.fetch(Q["lock_letters"], service, *place, flow, limit)
        return [to_kept_letter(place, row) for row in rows]

    async def write(self, service: str, writes: Writes) -> int:
        """Write what a batch changes, the log last."""
        await self._write_letters(service, writes)
        await keep_absent(self, writes.unused_streams)
        crash_point("worker.before_append")
        begun = self._clock.monotonic()
        position = await self._write(service, writes)
        self.append_s = self._clock.monotonic() - begun
        crash_point("worker.after_append")
        return position

    async def _write(self, service: str, writes: Writes) -> int:
        """Write all but letters."""
        moved = sorted((*key, change) for key, change in writes.balances.items() if change)
        debits = [row for row in moved if (row[0], row[1]) in self._locked_balances]
        credits_ = [row for row in moved if (row[0], row[1]) not in self._locked_balances]
        begun, changed = self._begun_and_changed(writes.states)
        self.has_appended = bool(writes.rows)
        written = await self._connection.fetchrow(
            Q["write"],
            service,
            *_columns(_offset_rows(writes), 7),
            writes.unused_streams,
            *_columns(begun, 4),
            *_columns(changed, 5),
            *_columns(sorted(writes.facts.items()), 2),
            *_columns(debits, 3),
            *_columns(credits_, 3),
            sorted(writes.timers_cancelled),
            *_columns(map(astuple, writes.timers_set.values()), 7),
            len(writes.rows),
            writes.now,
            writes.incarnation,
            *_columns(_answer_rows(writes), 8),
            *_columns(map(astuple, writes.rows), 13),
        )
        assert written is not None
        _expect(written["offsets"], len(writes.offsets), "an offset row")
        _expect(written["states"], len(writes.states), "a stream")
        _expect(written["debits"], len(debits), "a balance")
        if not writes.rows:
            return 0
        position: int | None = written["position"]
        if position is None:
            raise ConflictError("the log's incarnation changed: start anew")
        return position

    def _begun_and_changed(
        self, states: Iterable[StateChange]
    ) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
        """Streams that get a row, and those that have one."""
        begun: list[tuple[object, ...]] = []
        changed: list[tuple[object, ...]] = []
        for state in states:
            stream, expected, *rest = astuple(state)
            if expected == 0 and stream not in self._begun_streams:
                begun.append((stream, *rest))
            else:
                changed.append((stream, expected, *rest))
        return begun, changed

    async def _write_letters(self, service: str, writes: Writes) -> None:
        for letter in writes.dead_letters:
            await self._connection.execute(
                Q["set_aside"], *letter_columns(service, letter), writes.now
            )
        if ids := writes.letters_retried:
            status = await self._connection.execute(Q["settle_letters"], ids, writes.now)
            _expect(_count(status), len(ids), "a dead letter")
        if failed := writes.letters_failed:
            rows = [(name, each.reason, clean_detail(each)) for name, each in failed.items()]
            status = await self._connection.execute(Q["fail_letters"], *_columns(rows, 3))
            _expect(_count(status), len(rows), "a dead letter")


def _offset_rows(writes: Writes) -> Iterable[Sequence[object]]:
    for place, offset in writes.offsets.items():
        yield (
            *place,
            offset.next_offset,
            offset.last_sequence,
            offset.anchor_offset,
            offset.anchor,
            offset.epoch,
        )


def _answer_rows(writes: Writes) -> Iterable[Sequence[object]]:
    for a in writes.answers:
        body = a.body
        yield (
            a.message_id,
            body.sha256,
            body.type,
            a.partition_key,
            a.actor,
            body.text,
            a.first,
            a.last,
        )


def _columns(rows: Iterable[Sequence[object]], width: int) -> list[list[object]]:
    """Turn rows into the columns that `unnest` wants."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    return columns or [[] for _ in range(width)]


def _expect(count: int, expected: int, what: str) -> None:
    if count != expected:
        raise ConflictError(f"{what} is not as it was read")


def _count(status: str) -> int:
    """How many rows a statement changed, out of what the server says of it."""
    return int(status.rsplit(" ", 1)[-1])
