"""One transaction in memory: the same locks, checks and refusals as on Postgres (see unit.py).

Rows are locked one by one, in the order in which Postgres would, and held to the end of the unit.
Each statement crosses the wire once, so that others get their turn in between.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

from danbao.kernel.absence import keep_absent
from danbao.kernel.crash import crash_point
from danbao.kernel.errors import ConflictError, RefusedError, UnavailableError
from danbao.kernel.loaded import Account
from danbao.kernel.memory.locks import Holder
from danbao.kernel.memory.rows import kept_letters, log_row, storable
from danbao.kernel.memory.tables import (
    SHARD,
    Changes,
    Leaf,
    StoredAnswer,
    StoredLetter,
    Tables,
)
from danbao.kernel.memory.wire import DIRECT, Wire
from danbao.kernel.messages import (
    BEGINNING,
    KeptLetter,
    Locked,
    LogRow,
    Offset,
    StoredStream,
    TopicPartition,
    Writes,
)
from danbao.proofs.leaf import leaf_hash, micros_of

EVENT_BYTES_MAX = 262_144
BIGINT_MAX = 2**63 - 1

Text = TypeVar("Text", str, str | None)


class MemoryUnit:
    """The Unit port without a server."""

    append_s = 0.0
    """Nobody measures memory."""

    def __init__(self, tables: Tables, wire: Wire = DIRECT) -> None:
        """Open a transaction; nothing is locked yet."""
        self._tables = tables
        self._wire = wire
        self._changes = Changes(tables)
        self.holder = Holder()
        self._locked_balances: set[Account] = set()
        self.is_over = False
        """Whether it is committed, or the server has ended it."""

    async def lock_offsets(
        self, service: str, places: Iterable[TopicPartition]
    ) -> dict[TopicPartition, Offset]:
        """Lock how far the service has read."""
        await self._ask("lock_offsets")
        offsets = self._changes.offsets
        wanted = [place for place in sorted(places) if (service, place) in offsets]
        for place in wanted:
            await self._lock("offset", service, place)
        return {place: offsets[service, place] for place in wanted}

    async def lock(
        self,
        service: str,
        places: Iterable[TopicPartition],
        command_ids: Iterable[str],
        streams: Iterable[str],
    ) -> Locked:
        """Lock how far the service has read, find answers, and lock the streams that are there."""
        offsets = await self.lock_offsets(service, places)
        inbox, states = self._changes.inbox, self._changes.states
        answers = {name: inbox[name].answer.body.sha256 for name in command_ids if name in inbox}
        wanted = sorted(streams)
        there = [stream for stream in wanted if stream in states]
        for stream in there:
            await self._lock("stream", stream)
        locked = dict.fromkeys(wanted, BEGINNING) | {stream: states[stream] for stream in there}
        return Locked(offsets, answers, locked)

    async def find_streams(self, streams: Iterable[str]) -> set[str]:
        """Give those streams that the log has events of."""
        await self._ask("find_streams")
        return {
            stream
            for stream in streams
            if stream in self._tables.streams or any(r.stream == stream for r in self._changes.rows)
        }

    async def lock_streams(self, streams: Iterable[str]) -> dict[str, StoredStream]:
        """Lock streams, those about to begin too."""
        await self._ask("lock_streams")
        wanted, states = sorted(streams), self._changes.states
        missing = [stream for stream in wanted if stream not in states]
        for stream in wanted:
            if stream in states:
                await self._lock("stream", stream)
        for stream in missing:
            await self._lock("stream", stream)
        for stream in wanted:
            if stream not in states:
                states[stream] = BEGINNING
        return {stream: states[stream] for stream in wanted}

    async def read_stream(self, stream: str) -> Sequence[LogRow]:
        """Give all events of a stream, oldest first."""
        await self._ask("read_stream")
        own = [row for row in self._changes.rows if row.stream == stream]
        return [*self._tables.streams.get(stream, ()), *own]

    async def share_facts(self, keys: Iterable[str]) -> dict[str, str | None]:
        """Lock shared facts against change, and give them."""
        await self._ask("share_facts")
        wanted, facts = sorted(keys), self._changes.facts
        for key in wanted:
            if key not in facts:
                await self._lock("fact", key)
                if key not in facts:
                    facts[key] = None
        for key in wanted:
            await self._lock("fact", key, shared=True)
        return {key: facts[key] for key in wanted}

    async def lock_balances(self, accounts: Iterable[Account]) -> dict[Account, int]:
        """Lock guarded accounts that may be debited."""
        await self._ask("lock_balances")
        wanted, balances = sorted(accounts), self._changes.balances
        missing = [account for account in wanted if account not in balances]
        for account in wanted:
            if account in balances:
                await self._lock("balance", account)
        if missing:
            await self._ask("begin_balances")
            for account in missing:
                await self._lock("balance", account)
                if account not in balances:
                    balances[account] = 0
        self._locked_balances.update(wanted)
        return {account: balances[account] for account in wanted}

    async def lock_letters(
        self, service: str, place: TopicPartition, flow: str | None, limit: int
    ) -> Sequence[KeptLetter]:
        """Lock dead letters, the oldest first."""
        await self._ask("lock_letters")
        return kept_letters(self._tables, service, place, flow)[:limit]

    async def write(self, service: str, writes: Writes) -> int:
        """Write what a batch changes, the log last."""
        await self._set_aside(service, writes)
        self._settle_letters(writes)
        await keep_absent(self, writes.unused_streams)
        crash_point("worker.before_append")
        await self._ask("write")
        await self._write_offsets(service, writes)
        await self._write_states(writes)
        await self._write_facts(writes)
        await self._write_balances(writes)
        self._write_timers(writes)
        position = await self._append(service, writes) if writes.rows else 0
        crash_point("worker.after_append")
        return position

    def commit(self) -> None:
        """Make all changes so for everybody, and let go of all locks."""
        if not self.is_over:
            self._changes.commit()
            self.end()

    def end(self) -> None:
        """Let go of all locks; what was not committed never was."""
        if not self.is_over:
            self.is_over = True
            lost = UnavailableError("the server has ended the transaction")
            self._tables.locks.release(self.holder, lost)

    async def _ask(self, statement: str) -> None:
        await self._wire.cross(statement)
        self._check()

    async def _lock(self, *row: Hashable, shared: bool = False) -> None:
        self._check()
        await self._tables.locks.take(self.holder, row, shared=shared)

    def _check(self) -> None:
        if self.is_over:
            raise UnavailableError("the server has ended the transaction")

    async def _write_offsets(self, service: str, writes: Writes) -> None:
        offsets = self._changes.offsets
        for place, offset in writes.offsets.items():
            key = service, place
            await self._lock("offset", service, place)
            if key not in offsets or offsets[key].epoch != offset.epoch:
                raise ConflictError("an offset row is not as it was read")
            offsets[key] = offset

    async def _set_aside(self, service: str, writes: Writes) -> None:
        for letter in writes.dead_letters:
            await self._ask("set_aside")
            key = service, letter.record.place, letter.record.offset
            storable(letter.partition_key)
            if key not in self._changes.letters:
                number = next(self._tables.letter_ids)
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

    async def _write_states(self, writes: Writes) -> None:
        states = self._changes.states
        for stream in writes.unused_streams:
            if stream in states and states[stream].version == 0:
                states.remove(stream)
        for change in writes.states:
            await self._lock("stream", change.stream)
            stored = states.get(change.stream) or BEGINNING
            if stored.version != change.expected_version:
                raise ConflictError("a stream is not as it was read")
            states[change.stream] = StoredStream(
                change.version, change.fold_version, storable(change.state)
            )

    async def _write_facts(self, writes: Writes) -> None:
        for key, text in sorted(writes.facts.items()):
            await self._lock("fact", key)
            self._changes.facts[key] = storable(text)

    def _write_timers(self, writes: Writes) -> None:
        timers = self._changes.timers
        for name in writes.timers_cancelled:
            timers.remove(name)
        for name, timer in writes.timers_set.items():
            if name not in timers:
                timers[name] = timer

    async def _write_balances(self, writes: Writes) -> None:
        balances = self._changes.balances
        moved = [(account, change) for account, change in writes.balances.items() if change]
        moved.sort(key=lambda each: (each[0] not in self._locked_balances, each[0]))
        for account, change in moved:
            await self._lock("balance", account)
            if change < 0 and account not in self._locked_balances:
                raise RefusedError(f"{account[0]} was not locked to be debited")
            balance = (balances.get(account) or 0) + change
            if balance < 0:
                raise RefusedError(f"{account[0]} would fall below its floor")
            if balance > BIGINT_MAX:
                raise RefusedError(f"{account[0]} would be more than a bigint")
            balances[account] = balance

    async def _append(self, service: str, writes: Writes) -> int:
        tables, changes = self._tables, self._changes
        await self._lock("head")
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
        changes.note_time(base, len(writes.rows), writes.now, recorded_at)
        versions = {(row.stream, row.version) for row in changes.rows}
        for number, row in enumerate(writes.rows, start=1):
            key = row.stream, row.version
            if key in versions or tables.has_version(*key):
                raise ConflictError(f"{row.stream} has its version {row.version} already")
            versions.add(key)
            if len(storable(row.data).encode()) > EVENT_BYTES_MAX:
                raise RefusedError(f"an event of more than {EVENT_BYTES_MAX} bytes")
            position = base + number
            leaf = leaf_hash(SHARD, position, micros_of(recorded_at), row.row_hash)
            changes.leaves.append(Leaf(row.row_hash, leaf))
            changes.rows.append(log_row(row, position, recorded_at))
        return base + len(writes.rows)
