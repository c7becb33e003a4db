"""The past as decisions saw it: states, facts and balances of each moment, made from the log.

A decision holds its streams, facts and debited accounts locked until it is recorded, so what it saw
is what the log adds up to before its first position.  Pure: what is not held is asked for by name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec

from danbao.contracts.chart import is_guarded
from danbao.contracts.decider import AnyDecider, Needs, Service
from danbao.contracts.facts import FACT_TYPES, Fact
from danbao.kernel.events import decode_event
from danbao.kernel.loaded import Account, LoadedStream, category_of
from danbao.kernel.messages import LogRow, Message
from danbao.ledger.posting import Posting, movements
from danbao.whatif.history import StreamRow

HELD_MAX = 60_000
"""Streams, and balances, that are held; twice as many for a short while."""
REJECTIONS = "rejection"

Key = TypeVar("Key")
Value = TypeVar("Value")

_postings = msgspec.json.Decoder(tuple[Posting, ...])


class Held(Generic[Key, Value]):
    """A dictionary that forgets what was not used for long; it can be made again."""

    def __init__(self, most: int = HELD_MAX) -> None:
        self._most = most
        self._young: dict[Key, Value] = {}
        self._old: dict[Key, Value] = {}

    def get(self, key: Key) -> Value | None:
        """Give what is held, or None."""
        found = self._young.get(key)
        if found is None and (found := self._old.pop(key, None)) is not None:
            self._young[key] = found
        return found

    def put(self, key: Key, value: Value) -> None:
        """Hold a value."""
        self._young[key] = value

    def forget(self) -> None:
        """Drop what was not used since long; only between two slices of the log."""
        if len(self._young) > self._most:
            self._old, self._young = self._young, {}


@dataclass(slots=True)
class Moment:
    """What one decision saw; what was not held is filled in when it is."""

    streams: dict[str, LoadedStream] = field(default_factory=dict)
    facts: dict[str, Fact | None] = field(default_factory=dict)
    balances: dict[Account, int] = field(default_factory=dict)
    facts_missing: list[str] = field(default_factory=list)
    moved: dict[Account, int] = field(default_factory=dict)
    """What accounts that were not held had moved since the slice began."""

    @property
    def is_complete(self) -> bool:
        """Tell whether everything was held."""
        return not self.facts_missing and not self.moved


class Past:
    """States and balances as of a position that rises."""

    def __init__(self, services: Mapping[str, Service], held_max: int = HELD_MAX) -> None:
        self._deciders: dict[str, AnyDecider] = {}
        for service in services.values():
            for decider in service.deciders:  # those of policies are the same in all services
                self._deciders[decider.category] = decider
        self._streams: Held[str, LoadedStream] = Held(held_max)
        self._balances: Held[Account, int] = Held(held_max)
        self._moved: dict[Account, int] = {}

    def decider_of(self, stream: str) -> AnyDecider:
        """The decider that owns a stream."""
        return self._deciders[category_of(stream)]

    def begin(self, stream: str) -> LoadedStream:
        """A stream before its first event."""
        return LoadedStream(0, 0, self.decider_of(stream).initial)

    def missing_streams(self, streams: Iterable[str]) -> list[str]:
        """Which of these streams are not held."""
        return [name for name in streams if self._streams.get(name) is None]

    def hold_stream(self, name: str, stream: LoadedStream) -> None:
        """Hold a stream as of the position."""
        self._streams.put(name, stream)

    def fold(self, stream: str, before: LoadedStream, rows: Iterable[StreamRow]) -> LoadedStream:
        """Apply the next rows of a stream."""
        decider, state, version = self.decider_of(stream), before.state, before.version
        for row in rows:
            state, version = decider.evolve(state, decode_event(row.type, row.data)), row.version
        return LoadedStream(version, version, state)

    def state(self, stream: str) -> msgspec.Struct | None:
        """The state of a stream that is held."""
        found = self._streams.get(stream)
        return None if found is None else found.state

    def moment(self, service: Service, message: Message) -> Moment:
        """What a decision sees here, as far as it is held; its own streams are."""
        moment = Moment()
        facts: set[str] = set()
        debits: set[Account] = set()
        for wish in message.wishes:
            decider = service.decider_of(type(wish))
            own = decider.stream_of(wish)
            moment.streams[own] = self._held(own)
            needs: Needs = decider.needs(wish, moment.streams[own].state)
            for name in needs.streams:
                moment.streams[name] = self._held(name)
            facts.update(needs.facts)
            debits.update(needs.debits)
        for key in facts:
            stream = self._streams.get(key)
            if stream is None:
                moment.facts_missing.append(key)
            else:
                moment.facts[key] = self.fact_of(key, stream)
        for account in debits:
            balance = self._balances.get(account)
            if balance is not None:
                moment.balances[account] = balance
            else:
                moment.moved[account] = self._moved.get(account, 0)
        return moment

    def apply(self, row: LogRow) -> None:
        """Go on by one row: its stream's state and the balances that it moves."""
        if category_of(row.stream) != REJECTIONS:
            event = decode_event(row.type, row.data)
            state = self.decider_of(row.stream).evolve(self._held(row.stream).state, event)
            self._streams.put(row.stream, LoadedStream(row.version, row.version, state))
        if row.postings is None:
            return
        for account, currency, change in movements(_postings.decode(row.postings)):
            if not is_guarded(account):
                continue
            self._move((account, currency), change)

    def adopt(self, streams: Mapping[str, LoadedStream], balances: Mapping[Account, int]) -> None:
        """Go on by what a decision left behind, when it gave the events that were recorded."""
        for name, stream in streams.items():
            self._streams.put(name, stream)
        for account, change in balances.items():
            self._move(account, change)

    def complete(self, moment: Moment, bases: Mapping[Account, int]) -> None:
        """Fill in what was not held: facts no event of the slice changed, and balances."""
        for key in moment.facts_missing:
            moment.facts[key] = self.fact_of(key, self._held(key))
        for account, moved in moment.moved.items():
            moment.balances[account] = bases[account] + moved

    def end_slice(self, bases: Mapping[Account, int]) -> None:
        """Hold the balances that were asked for, and forget what was not used for long."""
        for account, base in bases.items():
            self._balances.put(account, base + self._moved.get(account, 0))
        self._moved.clear()
        self._streams.forget()
        self._balances.forget()

    def _move(self, account: Account, change: int) -> None:
        balance = self._balances.get(account)
        if balance is None:
            self._moved[account] = self._moved.get(account, 0) + change
        else:
            self._balances.put(account, balance + change)

    def _held(self, stream: str) -> LoadedStream:
        found = self._streams.get(stream)
        assert found is not None, f"{stream} was not asked for"
        return found

    def fact_of(self, key: str, stream: LoadedStream) -> Fact | None:
        """What a stream shares under a key; nothing before its first event."""
        assert category_of(key) in FACT_TYPES
        if stream.version == 0:
            return None
        return self.decider_of(key).share(key, stream.state).get(key)
