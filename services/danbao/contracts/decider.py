"""The one shape of all domain code: deciders of streams, and services as values made of them.

    decide(command, state, facts) -> events, or one refusal        pure
    evolve(state, event)          -> state                         pure, never refuses
    needs(command, state)         -> what the kernel must lock     pure
    timers(state)                 -> the deadlines that now run    pure
    share(state)                  -> facts that others may ask for pure

State is a frozen msgspec struct, so that it can be kept as JSON and compared.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from danbao.contracts.facts import Fact, Facts
from danbao.contracts.message import Command, Event, Message, Reaction, Timer
from danbao.contracts.rejection import Postponed, Rejected

Wish: TypeAlias = Command | Reaction
Decision: TypeAlias = Sequence[Event] | Rejected | Postponed

State = TypeVar("State", bound=msgspec.Struct)


class Needs(msgspec.Struct, frozen=True):
    """What a decision reads or may change besides its own stream; all of it is locked first."""

    streams: tuple[str, ...] = ()
    """Further streams of the same service; the initial state asks for all that any state may."""
    facts: tuple[str, ...] = ()
    debits: tuple[tuple[str, str], ...] = ()
    """Guarded accounts that may be debited, as (account, currency)."""


NOTHING = Needs()


class Deadline(msgspec.Struct, frozen=True):
    """A timer that runs: at `due_at` the scheduler sends `command`."""

    due_at: datetime
    command: Timer


def _no_needs(_command: Wish, _state: msgspec.Struct) -> Needs:
    return NOTHING


def _no_timers(_state: msgspec.Struct) -> Sequence[Deadline]:
    return ()


def _no_share(_stream: str, _state: msgspec.Struct) -> Mapping[str, Fact]:
    return {}


@dataclass(frozen=True, slots=True)
class Decider(Generic[State]):
    """All that is known about one category of streams."""

    category: str
    initial: State
    evolve: Callable[[State, Any], State]
    events: tuple[type[Event], ...]
    commands: tuple[type[Wish], ...] = ()
    stream_of: Callable[[Any], str] = str
    decide: Callable[[Any, State, Facts], Decision] | None = None
    needs: Callable[[Any, Any], Needs] = _no_needs
    timers: Callable[[State], Sequence[Deadline]] = _no_timers
    share: Callable[[str, State], Mapping[str, Fact]] = _no_share
    fold_version: int = 1
    """Raise it when `evolve` gives another state for the same events: states are refolded."""


AnyDecider: TypeAlias = Decider[Any]


class Recorded(msgspec.Struct, frozen=True):
    """An event as the log has it, for those who react to it."""

    event: Event
    recorded_at: datetime


React: TypeAlias = Callable[[Any, Recorded], Sequence[Reaction]]


@dataclass(frozen=True)
class Service:
    """A service as a value: the kernel runs it, and knows nothing else about it."""

    name: str
    deciders: tuple[AnyDecider, ...]
    reactions: Mapping[type[Event], React]

    decider_of: Callable[[type[Message]], AnyDecider] = field(init=False, repr=False, compare=False)
    """Give the decider that answers this kind of command or reaction; KeyError: there is none."""
    decider_for: Callable[[str], AnyDecider] = field(init=False, repr=False, compare=False)
    """Give the decider that owns this category of streams; KeyError: it is not this service's."""
    owner_of: Callable[[type[Event]], AnyDecider] = field(init=False, repr=False, compare=False)
    """Give the decider whose streams have this kind of event; KeyError: there is none."""

    def __post_init__(self) -> None:
        """Index the deciders once: every message asks several times."""
        by_wish = {wish: decider for decider in self.deciders for wish in decider.commands}
        by_category = {decider.category: decider for decider in self.deciders}
        by_event = {event: decider for decider in self.deciders for event in decider.events}
        object.__setattr__(self, "decider_of", by_wish.__getitem__)
        object.__setattr__(self, "decider_for", by_category.__getitem__)
        object.__setattr__(self, "owner_of", by_event.__getitem__)

    @property
    def commands(self) -> tuple[type[Command], ...]:
        """The commands that may arrive on this service's command topic, timers included."""
        return tuple(
            wish
            for decider in self.deciders
            for wish in decider.commands
            if issubclass(wish, Command)
        )

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the services whose events this one reacts to."""
        return tuple(sorted({event.__module__.rsplit(".", 1)[-1] for event in self.reactions}))
