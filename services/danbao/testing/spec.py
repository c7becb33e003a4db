"""Given, when, then: how the rules of a decider are written down and checked, without servers.

    given(decider, created, funded).at(noon).by("seller:S-1").when(ship).then(shipped)
    given(decider).sharing(account("S-1", kind="merchant")).when(create).then_rejected("...")

Whatever the test says, every step also holds what each decider promises the kernel:

- it reads only what it asked for in `needs`, and gives the same answer when asked twice;
- its events belong to its own stream, or to one it asked for, and survive a trip through JSON;
- `evolve` takes them, and the state survives a trip through JSON, timers included;
- a timer's name and generation never stand for two moments;
- the postings of its events debit no guarded account that it did not ask for, and leave no
  balance that the test knows below zero.

`then…` raises AssertionError with both sides spelled out; it needs no test framework.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Generic, NoReturn, TypeVar

import msgspec

from danbao.contracts.chart import is_guarded
from danbao.contracts.decider import Deadline, Decider, Decision, Needs, Wish
from danbao.contracts.facts import Fact, Facts
from danbao.contracts.message import Event
from danbao.contracts.rejection import Postponed, Rejected
from danbao.ledger.posting import Posting, movements
from danbao.ledger.rules import postings_of
from danbao.testing.builders import START, Shared

State = TypeVar("State", bound=msgspec.Struct)


def fold(decider: Decider[State], events: Iterable[Event], state: State | None = None) -> State:
    """Give the state after the events, from the start or from a state given."""
    after = decider.initial if state is None else state
    for event in events:
        after = decider.evolve(after, event)
    return after


def given(decider: Decider[State], *events: Event) -> "Given[State]":
    """Begin a specification: these facts have happened."""
    return Given(decider, decider.initial).following(*events)


@dataclass(frozen=True, slots=True)
class Given(Generic[State]):
    """What is so before a command arrives; every method gives a new value."""

    decider: Decider[State]
    state: State
    now: datetime = START
    actor: str | None = None
    shared: Mapping[str, Fact] = field(default_factory=dict)
    balances: Mapping[tuple[str, str], int] = field(default_factory=dict)
    deadlines: Mapping[tuple[str, int], datetime] = field(default_factory=dict)
    """When each timer seen so far was due, by name and generation."""

    def at(self, now: datetime) -> "Given[State]":
        """Let the next command arrive at this moment."""
        return replace(self, now=now)

    def after(self, wait: timedelta) -> "Given[State]":
        """Let the next command arrive so much later."""
        return replace(self, now=self.now + wait)

    def by(self, actor: str | None) -> "Given[State]":
        """Let this actor send the next command; None is a trusted upstream system."""
        return replace(self, actor=actor)

    def sharing(self, *facts: Shared) -> "Given[State]":
        """Let other services share these facts too."""
        return replace(self, shared={**self.shared, **{each.key: each.fact for each in facts}})

    def with_balance(self, account_code: str, minor: int, currency: str = "CNY") -> "Given[State]":
        """Let a guarded account have so much; what is not said is zero."""
        return replace(self, balances={**self.balances, (account_code, currency): minor})

    @property
    def timers(self) -> Sequence[Deadline]:
        """The deadlines that run."""
        return self.decider.timers(self.state)

    def when(self, wish: Wish) -> "When[State]":
        """Let a command, timer or reaction arrive."""
        if type(wish) not in self.decider.commands or self.decider.decide is None:
            _fail(f"`{self.decider.category}` does not answer {type(wish).__name__}")
        needs = self.decider.needs(wish, self.state)
        facts = Facts(
            now=self.now,
            actor=self.actor,
            shared={key: self.shared.get(key) for key in needs.facts},
            balances={each: self.balances.get(each, 0) for each in needs.debits},
        )
        try:
            decision = self.decider.decide(wish, self.state, facts)
            again = self.decider.decide(wish, self.state, facts)
        except KeyError as error:
            message = f"`decide` read {error}, which `needs` did not ask for"
            raise AssertionError(message) from error
        if decision != again:
            _differ("the same answer when asked twice", decision, again)
        return When(self, wish, needs, decision)

    def following(self, *events: Event) -> "Given[State]":
        """Let these facts happen too; each state after them holds what every state must hold."""
        state, deadlines = self.state, dict(self.deadlines)
        if len({event.stream for event in events}) > 1:
            _fail(f"the events belong to several streams: {sorted({e.stream for e in events})}")
        for event in events:
            if type(event) not in self.decider.events:
                _fail(f"{type(event).__name__} is no event of `{self.decider.category}` streams")
            state = self.decider.evolve(state, event)
            self._check_state(state, event, deadlines)
        return replace(self, state=state, deadlines=deadlines)

    def _check_state(
        self, state: State, event: Event, deadlines: dict[tuple[str, int], datetime]
    ) -> None:
        reread = msgspec.json.decode(msgspec.json.encode(state), type=type(state))
        if reread != state:
            _differ(f"the state after {type(event).__name__}, through JSON", state, reread)
        running = self.decider.timers(state)
        if list(self.decider.timers(reread)) != list(running):
            _differ("the timers of the state, through JSON", running, self.decider.timers(reread))
        if len({deadline.command.name for deadline in running}) != len(running):
            _fail(f"two timers of one name run after {type(event).__name__}: {running}")
        for deadline in running:
            command = deadline.command
            if self.decider.stream_of(command) != event.stream:
                _differ("the stream of a timer", event.stream, self.decider.stream_of(command))
            key = command.name, command.generation
            if deadlines.setdefault(key, deadline.due_at) != deadline.due_at:
                _differ(f"the moment of timer {key}", deadlines[key], deadline.due_at)


@dataclass(frozen=True, slots=True)
class When(Generic[State]):
    """The answer to one wish; a `then…` says what it must be."""

    given: Given[State]
    wish: Wish
    needs: Needs
    decision: Decision

    @property
    def events(self) -> tuple[Event, ...]:
        """The events of the answer; none when it is a refusal or "not yet"."""
        if isinstance(self.decision, Rejected | Postponed):
            return ()
        return tuple(self.decision)

    @property
    def postings(self) -> tuple[Posting, ...]:
        """The money that the answer moves."""
        return tuple(posting for event in self.events for posting in postings_of(event))

    @property
    def outcome(self) -> str:
        """The answer in short: a code, or the names of the events, for tables of outcomes."""
        if isinstance(self.decision, Rejected):
            return self.decision.code.value
        if isinstance(self.decision, Postponed):
            return "postponed"
        return " ".join(type(event).__name__ for event in self.events) or "nothing"

    def then(self, *events: Event) -> Given[State]:
        """Expect exactly these events, and give what is so after them."""
        if not events:
            _fail("`then` needs an event; use `then_nothing`")
        if isinstance(self.decision, Rejected | Postponed) or self.events != events:
            _differ("the answer", events, self.decision)
        return self.so

    def then_rejected(self, code: str, **facts: object) -> Given[State]:
        """Expect a refusal with this code; of its facts, those that are named."""
        if not isinstance(self.decision, Rejected) or self.decision.code != code:
            _differ("the answer", f"a refusal `{code}`", self.decision)
        told = {name: self.decision.facts.get(name) for name in facts}
        if told != facts:
            _differ(f"the facts of `{code}`", facts, dict(self.decision.facts))
        return self.so

    def then_nothing(self) -> Given[State]:
        """Expect that nothing is left to do: no event, no refusal."""
        if isinstance(self.decision, Rejected | Postponed) or self.events:
            _differ("the answer", "nothing", self.decision)
        return self.so

    def then_postponed(self) -> Given[State]:
        """Expect "not yet": what the wish waits for is on its way."""
        if not isinstance(self.decision, Postponed):
            _differ("the answer", "not yet", self.decision)
        return self.so

    @property
    def so(self) -> Given[State]:
        """What is so after the answer, whichever it was; for stories of several steps."""
        if isinstance(self.decision, Rejected):
            msgspec.json.encode(self.decision.facts)
        given_ = self.given
        own = given_.decider.stream_of(self.wish)
        for event in self.events:
            self._check_event(event, own)
        after = given_.following(*(each for each in self.events if each.stream == own))
        return replace(after, balances=self._balances())

    def _check_event(self, event: Event, own: str) -> None:
        reread = msgspec.json.decode(msgspec.json.encode(event), type=type(event))
        if reread != event:
            _differ("an event, through JSON", event, reread)
        if event.stream != own and event.stream not in self.needs.streams:
            _fail(f"{type(event).__name__} is for `{event.stream}`, which `needs` did not ask for")

    def _balances(self) -> Mapping[tuple[str, str], int]:
        """The balances that are known, after the postings of the answer."""
        balances = dict(self.given.balances)
        changes: dict[tuple[str, str], int] = {}
        for account_code, currency, change in movements(self.postings):
            key = account_code, currency
            changes[key] = changes.get(key, 0) + change
        for key, change in changes.items():
            if change < 0 and is_guarded(key[0]) and key not in self.needs.debits:
                _fail(f"{key} is debited, which `needs` did not ask for")
            if key in balances:
                balances[key] += change
                if balances[key] < 0:
                    _fail(f"{key} falls below zero, to {balances[key]}")
        return balances


def _differ(what: str, expected: object, actual: object) -> NoReturn:
    _fail(f"{what} differs\n  expected: {expected}\n  actual:   {actual}")


def _fail(message: str) -> NoReturn:
    raise AssertionError(message)
