"""Deciding a batch: pure.  Each message in order, against what its predecessors left.

No await, no clock, no IO.  A message that raises changes nothing and becomes a dead letter; one
that needs what is not locked, or waits for another service, ends the batch before it.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from danbao.contracts.catalogue import EVENTS, TIMERS
from danbao.contracts.chart import is_guarded
from danbao.contracts.decider import Deadline, Service, Wish
from danbao.contracts.facts import Fact
from danbao.contracts.message import Event, Timer
from danbao.contracts.rejection import CommandRejected, Postponed, Rejected, RejectionCode
from danbao.kernel.ids import reuse_id
from danbao.kernel.loaded import (
    Account,
    Loaded,
    LoadedStream,
    NotLoadedError,
    category_of,
    deadlines_by_key,
)
from danbao.kernel.messages import (
    Answer,
    Cause,
    DeadLetter,
    Message,
    Row,
    StateChange,
    TimerRow,
    Writes,
)
from danbao.kernel.rows import RowMaker
from danbao.ledger.posting import Posting, movements
from danbao.ledger.rules import postings_of

BODY_LOST = b""
"""Hash of a body that was lost with Postgres: whatever comes under its id was answered."""

_encode = msgspec.json.Encoder().encode


class Draft(msgspec.Struct):
    """What one message changes, until it is certain that it changes anything."""

    streams: dict[str, LoadedStream] = {}
    facts: dict[str, Fact] = {}
    balances: dict[Account, int] = {}
    rows: list[Row] = []
    timers_set: dict[str, TimerRow] = {}
    timers_cancelled: set[str] = set()


class PostponeError(Exception):
    """A reaction waits for another service: the batch ends before it."""


class Batch:
    """One batch of one service, from locked rows to what is to be written."""

    def __init__(self, service: Service, loaded: Loaded, incarnation: UUID, now: datetime) -> None:
        self._service = service
        self._loaded = loaded
        self._rows = RowMaker(incarnation)
        self._now = now
        self._rejected: type[CommandRejected] = EVENTS[f"{service.name}.command_rejected.v1"]  # type: ignore[assignment]
        self.writes = Writes(now, incarnation)
        self.handled = 0
        self.postponed: Message | None = None
        self.duplicates = 0
        self.refusals: Counter[str] = Counter()

    def decide(self, messages: Sequence[Message]) -> None:
        """Decide messages in order, as far as what is locked allows; sets `handled`."""
        for message in messages:
            try:
                self._decide_one(message)
            except NotLoadedError:
                if self.handled == 0:
                    raise
                break
            except PostponeError:
                self.postponed = message
                break
            except Exception as error:  # noqa: BLE001 - one bad message must not hold back others
                reason = "command_failed" if message.command else "event_failed"
                letter = DeadLetter(
                    message.record, reason, repr(error)[:500], message.cause.partition_key
                )
                self.writes.dead_letters.append(letter)
                if message.command is None:  # the next may be of its flow, and must wait with it
                    self.handled += 1
                    break
            self.handled += 1
        self._finish()

    def _decide_one(self, message: Message) -> None:
        draft = Draft()
        command = message.command
        if command is None:
            for wish in message.wishes:
                self._decide_wish(draft, wish, message.cause)
            self._keep(draft)
            return
        known = self._loaded.answered.get(message.cause.id)
        if known is not None:
            if known in {command.sha256, BODY_LOST}:
                self.duplicates += 1
            else:
                self._refuse_reuse(draft, message)
            return
        if message.refusal is not None:
            self._reject(draft, message, message.refusal, message.cause.id)
        elif command.type in TIMERS:
            self._decide_timer(draft, message)
        else:
            refusal = self._decide_wish(draft, message.wishes[0], message.cause)
            if refusal is not None:
                self._reject(draft, message, refusal, message.cause.id)
        if draft.rows:
            first = len(self.writes.rows) + 1
            answer = Answer(
                message.cause.id,
                command,
                message.cause.partition_key,
                message.cause.actor,
                first,
                first + len(draft.rows) - 1,
            )
            self.writes.answers.append(answer)
            self._loaded.answered[message.cause.id] = command.sha256
        self._keep(draft)

    def _refuse_reuse(self, draft: Draft, message: Message) -> None:
        """Another body under a taken id: refused once for each other body."""
        assert message.command is not None
        name = reuse_id(message.cause.id, message.command.sha256)
        if f"rejection/{name}" in self._loaded.reuses_answered:
            self.duplicates += 1
            return
        self._reject(draft, message, Rejected(RejectionCode.COMMAND_ID_REUSED), name)
        self._loaded.reuses_answered.add(f"rejection/{name}")
        self._keep(draft)

    def _reject(self, draft: Draft, message: Message, rejected: Rejected, name: str) -> None:
        assert message.command is not None
        self.refusals[rejected.code] += 1
        event = self._rejected(
            command_id=message.cause.id,
            command_type=message.command.type,
            code=rejected.code,
            facts=dict(rejected.facts),
        )
        draft.rows.append(self._rows.row(event, f"rejection/{name}", 1, (), message.cause))

    def _decide_timer(self, draft: Draft, message: Message) -> None:
        """A deadline's command: stale ones leave nothing, early ones will be sent again."""
        timer = message.wishes[0]
        assert isinstance(timer, Timer)
        decider = self._service.decider_of(type(timer))
        stream = decider.stream_of(timer)
        if message.cause.id != self._rows.timer_id(stream, timer):
            refusal = Rejected(
                RejectionCode.INVALID_COMMAND,
                {"field": "type", "problem": "only the scheduler sends this"},
            )
            self._reject(draft, message, refusal, message.cause.id)
            return
        running = deadlines_by_key(self._loaded.streams[stream].running(decider))
        deadline = running.get((type(timer), timer.generation))
        if deadline is None:
            draft.timers_cancelled.add(message.cause.id)
            return
        if deadline.due_at > self._now:
            return
        refused = self._decide_wish(draft, timer, message.cause)
        assert refused is None, "a timer that runs is never refused"

    def _decide_wish(self, draft: Draft, wish: Wish, cause: Cause) -> Rejected | None:
        decider = self._service.decider_of(type(wish))
        stream = decider.stream_of(wish)
        state = self._stream(draft, stream).state
        facts = self._loaded.facts_for(decider.needs(wish, state), self._now, cause.actor)
        assert decider.decide is not None
        decision = decider.decide(wish, state, facts)
        if isinstance(decision, Rejected):
            return decision
        if isinstance(decision, Postponed):
            raise PostponeError(decision.reason)
        for event in decision:
            self._apply(draft, event, cause)
        return None

    def _stream(self, draft: Draft, name: str) -> LoadedStream:
        return draft.streams.get(name) or self._loaded.streams[name]

    def _apply(self, draft: Draft, event: Event, cause: Cause) -> None:
        """Add one event: its row, the state after it, its money, timers and shared facts."""
        name = event.stream
        decider = self._service.owner_of(type(event))
        before = self._stream(draft, name)
        state = decider.evolve(before.state, event)
        version = before.version + 1
        running = decider.timers(state)
        draft.streams[name] = LoadedStream(before.stored_version, version, state, running)
        postings = postings_of(event)
        if postings:
            self._move_money(draft, postings)
        if (ended := before.running(decider)) != running:
            self._move_timers(draft, name, ended, running, cause)
        draft.facts.update(decider.share(name, state))
        draft.rows.append(self._rows.row(event, name, version, postings, cause))

    def _move_money(self, draft: Draft, postings: Sequence[Posting]) -> None:
        """Change guarded balances; what is debited was locked, and never falls below zero."""
        for account, currency, change in movements(postings):
            if not is_guarded(account):
                continue
            key = account, currency
            if change < 0:
                if key not in self._loaded.balances:
                    raise NotLoadedError(account)
                left = self._loaded.balances[key] + draft.balances.get(key, 0) + change
                assert left >= 0, f"{account} would fall to {left}"
            draft.balances[key] = draft.balances.get(key, 0) + change

    def _move_timers(
        self,
        draft: Draft,
        stream: str,
        ended: Sequence[Deadline],
        running: Sequence[Deadline],
        cause: Cause,
    ) -> None:
        """Set the deadlines that began and cancel those that ended."""
        before, after = deadlines_by_key(ended), deadlines_by_key(running)
        for key, deadline in before.items():
            if key not in after:
                name = self._rows.timer_id(stream, deadline.command)
                draft.timers_set.pop(name, None)
                draft.timers_cancelled.add(name)
        for key, deadline in after.items():
            if key not in before:
                row = self._rows.timer_row(stream, deadline.command, deadline.due_at, cause)
                draft.timers_set[row.timer_id] = row

    def _keep(self, draft: Draft) -> None:
        """The message is certain: its draft becomes part of the batch."""
        loaded, writes = self._loaded, self.writes
        loaded.streams.update(draft.streams)
        for key, change in draft.balances.items():
            writes.balances[key] = writes.balances.get(key, 0) + change
            if key in loaded.balances:
                loaded.balances[key] += change
        writes.rows.extend(draft.rows)
        for key_, fact in draft.facts.items():
            loaded.facts[key_] = fact
            writes.facts[key_] = _encode(fact).decode()
        for name in draft.timers_cancelled:
            if writes.timers_set.pop(name, None) is None:
                writes.timers_cancelled.add(name)
        writes.timers_set.update(draft.timers_set)

    def _finish(self) -> None:
        """Write each changed stream once, in the state the whole batch left it in."""
        for name, stream in self._loaded.streams.items():
            if stream.version == stream.stored_version:
                if stream.version == 0:
                    self.writes.unused_streams.append(name)
                continue
            decider = self._service.decider_for(category_of(name))
            change = StateChange(
                stream=name,
                expected_version=stream.stored_version,
                version=stream.version,
                fold_version=decider.fold_version,
                state=_encode(stream.state).decode(),
            )
            self.writes.states.append(change)
