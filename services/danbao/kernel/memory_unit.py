"""One transaction in memory: the same locks, checks and refusals as on Postgres (see unit.py).

All row locks are one lock here, taken with the first of them and held to the end of the unit;
whoever waits for it longer than Postgres would let them gets the same ConflictError.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from danbao.kernel.crash import crash_point
from danbao.kernel.errors import ConflictError, RefusedError
from danbao.kernel.loaded import Account
from danbao.kernel.memory_tables import (
    SHARD,
    Changes,
    Leaf,
    StoredAnswer,
    StoredLetter,
    Tables,
)
from danbao.kernel.messages import (
    KeptLetter,
    LogRow,
    Offset,
    Row,
    StoredStream,
    TopicPartition,
    Writes,
)
from danbao.proofs.leaf import leaf_hash, micros_of

LOCK_TIMEOUT_S = 2.0
EVENT_BYTES_MAX = 262_144
BIGINT_MAX = 2**63 - 1
BEGINNING = StoredStream(0, 0, None)

Text = TypeVar("Text", str, str | None)


class MemoryUnit:
    """The Unit port without a server."""

    def __init__(self, tables: Tables) -> None:
        """Open a transaction; nothing is locked yet."""
        self._tables = tables
        self._changes = Changes(tables)
        self._locked_balances: set[Account] = set()
        self._new_letters = 0
        self._has_lock = False

    async def lock_offsets(
        self, service: str, places: Iterable[TopicPartition]
    ) -> dict[TopicPartition, Offset]:
        """Lock how far the service has read."""
        await self._lock()
        offsets = self._changes.offsets
        return {place: offsets[service, place] for place in places if (service, place) in offsets}

    async def find_answers(self, command_ids: Iterable[str]) -> dict[str, bytes]:
        """Give the body hash of each command id that was answered before."""
        inbox = self._changes.inbox
        return {name: inbox[name].answer.body.sha256 for name in command_ids if name in inbox}

    async def find_streams(self, streams: Iterable[str]) -> set[str]:
        """Give those streams that the log has events of."""
        return {
            stream
            for stream in streams
            if stream in self._tables.streams or any(r.stream == stream for r in self._changes.rows)
        }

    async def lock_streams(self, streams: Iterable[str]) -> dict[str, StoredStream]:
        """Lock streams, those about to begin too."""
        await self._lock()
        wanted, states = sorted(streams), self._changes.states
        for stream in wanted:
            if stream not in states:
                states[stream] = BEGINNING
        return {stream: states[stream] for stream in wanted}

    async def read_stream(self, stream: str) -> Sequence[LogRow]:
        """Give all events of a stream, oldest first."""
        own = [row for row in self._changes.rows if row.stream == stream]
        return [*self._tables.streams.get(stream, ()), *own]

    async def share_facts(self, keys: Iterable[str]) -> dict[str, str | None]:
        """Lock shared facts against change, and give them."""
        await self._lock()
        wanted, facts = sorted(keys), self._changes.facts
        for key in wanted:
            if key not in facts:
                facts[key] = None
        return {key: facts[key] for key in wanted}

    async def lock_balances(self, accounts: Iterable[Account]) -> dict[Account, int]:
        """Lock guarded accounts that may be debited."""
        await self._lock()
        wanted, balances = sorted(accounts), self._changes.balances
        for account in wanted:
            if account not in balances:
                balances[account] = 0
        self._locked_balances.update(wanted)
        return {account: balances[account] for account in wanted}

    async def lock_letters(
        self, service: str, place: TopicPartition, flow: str | None, limit: int
    ) -> Sequence[KeptLetter]:
        """Lock dead letters, the oldest first."""
        await self._lock()
        kept = [
            KeptLetter(
                stored.id,
                stored.letter.record,
                stored.letter.reason,
                is_requested=stored.state == "requested",
            )
            for (name, where, _), stored in self._tables.letters.items()
            if (name, where) == (service, place)
            and not stored.is_settled
            and (
                stored.state == "requested" if flow is None else stored.letter.partition_key == flow
            )
        ]
        return kept[:limit]

    async def write(self, service: str, writes: Writes) -> int:
        """Write what a batch changes, the log last."""
        await self._lock()
        self._write_offsets(service, writes)
        self._set_aside(service, writes)
        self._settle_letters(writes)
        self._write_states(writes)
        for key, text in writes.facts.items():
            self._changes.facts[key] = _storable(text)
        self._write_balances(writes)
        for name in writes.timers_cancelled:
            self._changes.timers.remove(name)
        for name, timer in writes.timers_set.items():
            if name not in self._changes.timers:
                self._changes.timers[name] = timer
        crash_point("worker.before_append")
        position = self._append(service, writes) if writes.rows else 0
        crash_point("worker.after_append")
        return position

    def commit(self) -> None:
        """Make all changes so for everybody."""
        self._changes.commit()

    def release(self) -> None:
        """Let go of all locks; what was not committed never was."""
        if self._has_lock:
            self._tables.lock.release()
            self._has_lock = False

    async def _lock(self) -> None:
        if self._has_lock:
            return
        try:
            async with asyncio.timeout(LOCK_TIMEOUT_S):
                await self._tables.lock.acquire()
        except TimeoutError as error:
            raise ConflictError("waited too long for a lock") from error
        self._has_lock = True

    def _write_offsets(self, service: str, writes: Writes) -> None:
        offsets = self._changes.offsets
        for place, offset in writes.offsets.items():
            key = service, place
            if key not in offsets or offsets[key].epoch != offset.epoch:
                raise ConflictError("an offset row is not as it was read")
            offsets[key] = offset

    def _set_aside(self, service: str, writes: Writes) -> None:
        for letter in writes.dead_letters:
            key = service, letter.record.place, letter.record.offset
            _storable(letter.partition_key)
            if key not in self._changes.letters:
                self._new_letters += 1
                number = len(self._tables.letters) + self._new_letters
                self._changes.letters[key] = StoredLetter(number, letter, writes.now)

    def _settle_letters(self, writes: Writes) -> None:
        if not writes.letters_retried and not writes.letters_failed:
            return
        keys = {stored.id: key for key, stored in self._tables.letters.items()}
        for number in (*writes.letters_retried, *writes.letters_failed):
            key = keys.get(number)
            stored = None if key is None else self._changes.letters.get(key)
            if key is None or stored is None or stored.is_settled:
                raise ConflictError("a dead letter is not as it was read")
            failure = writes.letters_failed.get(number)
            letter = stored.letter if failure is None else failure
            self._changes.letters[key] = stored._replace(
                letter=letter,
                state="retried" if failure is None else "waiting",
                tries=stored.tries + 1,
            )

    def _write_states(self, writes: Writes) -> None:
        states = self._changes.states
        for stream in writes.unused_streams:
            if stream in states and states[stream].version == 0:
                states.remove(stream)
        for change in writes.states:
            stored = states.get(change.stream)
            if stored is None or stored.version != change.expected_version:
                raise ConflictError("a stream is not as it was read")
            states[change.stream] = StoredStream(
                change.version, change.fold_version, _storable(change.state)
            )

    def _write_balances(self, writes: Writes) -> None:
        balances = self._changes.balances
        for account, change in writes.balances.items():
            if not change:
                continue
            if change < 0 and account not in self._locked_balances:
                raise RefusedError(f"{account[0]} was not locked to be debited")
            balance = (balances.get(account) or 0) + change
            if balance < 0:
                raise RefusedError(f"{account[0]} would fall below its floor")
            if balance > BIGINT_MAX:
                raise RefusedError(f"{account[0]} would be more than a bigint")
            balances[account] = balance

    def _append(self, service: str, writes: Writes) -> int:
        tables, changes = self._tables, self._changes
        if writes.incarnation != tables.incarnation:
            raise ConflictError("the log's incarnation changed: start anew")
        base = tables.position + len(changes.rows)
        for answer in writes.answers:
            if answer.message_id in changes.inbox:
                raise ConflictError(f"command {answer.message_id} has its answer already")
            changes.inbox[answer.message_id] = StoredAnswer(
                service, answer, base + answer.first, base + answer.last
            )
        earlier = changes.rows[-1].recorded_at if changes.rows else tables.recorded_at
        recorded_at = max(earlier, writes.now)
        versions = {(row.stream, row.version) for row in changes.rows}
        for number, row in enumerate(writes.rows, start=1):
            key = row.stream, row.version
            if key in versions or tables.has_version(*key):
                raise ConflictError(f"{row.stream} has its version {row.version} already")
            versions.add(key)
            if len(_storable(row.data).encode()) > EVENT_BYTES_MAX:
                raise RefusedError(f"an event of more than {EVENT_BYTES_MAX} bytes")
            position = base + number
            leaf = leaf_hash(SHARD, position, micros_of(recorded_at), row.row_hash)
            changes.leaves.append(Leaf(row.row_hash, leaf))
            changes.rows.append(_log_row(row, position, recorded_at))
        return base + len(writes.rows)


def _log_row(row: Row, position: int, recorded_at: datetime) -> LogRow:
    """The row as it stands in the log."""
    return LogRow(
        shard=SHARD,
        position=position,
        stream=_storable(row.stream),
        version=row.version,
        type=row.type,
        schema_version=row.schema_version,
        partition_key=_storable(row.partition_key),
        event_id=row.event_id,
        causation_id=row.causation_id,
        correlation_id=_storable(row.correlation_id),
        actor=_storable(row.actor),
        traceparent=row.traceparent,
        recorded_at=recorded_at,
        data=row.data,
        postings=row.postings,
    )


def _storable(text: Text) -> Text:
    """Refuse what Postgres cannot keep as text."""
    if text is None:
        return text
    if "\x00" in text:
        raise RefusedError("U+0000 cannot be stored")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RefusedError("a lone surrogate cannot be stored") from error
    return text
