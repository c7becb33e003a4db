"""What a batch has locked and read: states, facts, balances and answers, as they change in it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias, TypeVar

import msgspec

from danbao.contracts.decider import NOTHING, AnyDecider, Deadline, Needs, Service, Wish
from danbao.contracts.facts import FACT_TYPES, Fact, Facts
from danbao.contracts.message import Timer

Account: TypeAlias = tuple[str, str]
"""(account, currency)."""
Key = TypeVar("Key")
Value = TypeVar("Value")

_fact_decoders = {name: msgspec.json.Decoder(kind) for name, kind in FACT_TYPES.items()}
_state_decoders: dict[type[msgspec.Struct], msgspec.json.Decoder[msgspec.Struct]] = {}


class NotLoadedError(Exception):
    """A decision needs what the batch did not lock: the batch ends before it."""


class Held(dict[Key, Value]):
    """What was locked, by name; asking for anything else raises NotLoadedError."""

    def __missing__(self, key: Key) -> Value:
        """End the batch before whoever asks."""
        raise NotLoadedError(key)


class LoadedStream(msgspec.Struct, frozen=True):
    """A locked stream: the version in the cache, and the state as the batch has changed it."""

    stored_version: int
    version: int
    state: msgspec.Struct
    deadlines: Sequence[Deadline] | None = None
    """The deadlines that run in this state; None: nobody asked so far."""

    def running(self, decider: AnyDecider) -> Sequence[Deadline]:
        """Give the deadlines that run."""
        return decider.timers(self.state) if self.deadlines is None else self.deadlines


@dataclass(slots=True)
class Wanted:
    """What a batch is going to lock."""

    streams: set[str] = field(default_factory=set)
    facts: set[str] = field(default_factory=set)
    debits: set[Account] = field(default_factory=set)

    def add(self, needs: Needs) -> None:
        """Lock this too."""
        if needs is not NOTHING:
            self.streams.update(needs.streams)
            self.facts.update(needs.facts)
            self.debits.update(needs.debits)


@dataclass(slots=True)
class Loaded:
    """What a batch has locked, in memory; messages change it one after the other."""

    streams: dict[str, LoadedStream] = field(default_factory=Held)
    facts: dict[str, Fact | None] = field(default_factory=Held)
    balances: dict[Account, int] = field(default_factory=Held)
    answered: dict[str, bytes] = field(default_factory=dict)
    """Body hashes by command id: the first body of an id wins."""
    reuses_answered: set[str] = field(default_factory=set)
    """Streams of the answers to other bodies under a taken id."""

    def facts_for(self, needs: Needs, now: datetime, actor: str | None) -> Facts:
        """Pick what a decision asked for, and nothing else.

        Raises:
            NotLoadedError: some of it was not locked.
        """
        if needs is NOTHING:
            return Facts(now, actor)
        for name in needs.streams:
            self.streams[name]  # raises if it was not locked
        shared = {key: self.facts[key] for key in needs.facts}
        balances = {account: self.balances[account] for account in needs.debits}
        return Facts(now, actor, shared, balances)


def streams_of(service: Service, wishes: Iterable[Wish]) -> set[str]:
    """The streams that wishes are about."""
    return {service.decider_of(type(wish)).stream_of(wish) for wish in wishes}


def category_of(stream: str) -> str:
    """The part of a stream's name before the first slash."""
    return stream.split("/", 1)[0]


def decode_state(decider: AnyDecider, text: str | None) -> msgspec.Struct:
    """Decode a cached state; none means: the stream is about to begin."""
    if text is None:
        initial: msgspec.Struct = decider.initial
        return initial
    kind = type(decider.initial)
    decoder = _state_decoders.get(kind)
    if decoder is None:
        decoder = _state_decoders[kind] = msgspec.json.Decoder(kind)
    return decoder.decode(text)


def decode_fact(key: str, text: str | None) -> Fact | None:
    """Decode a shared fact by the category of its key."""
    return None if text is None else _fact_decoders[category_of(key)].decode(text)


def deadlines_by_key(deadlines: Iterable[Deadline]) -> dict[tuple[type[Timer], int], Deadline]:
    """Index deadlines by kind and generation."""
    return {(type(due.command), due.command.generation): due for due in deadlines}
