"""Exploring a decider breadth-first: every trial in every state that is found, nothing assumed."""

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass

from msgspec import inspect

from danbao.contracts.decider import AnyDecider, Decision, Wish
from danbao.contracts.facts import Facts
from danbao.contracts.message import Event, snake_case
from danbao.contracts.rejection import Postponed, Rejected, RejectionCode
from danbao.schemas.states.machine import Label, Machine, Trial, all_trials

STATES_MAX = 500
"""More states than this mean that `detail` tells too much apart."""

NOTHING = "-"
POSTPONED = "postponed"


@dataclass(frozen=True, slots=True)
class Step:
    """What one trial in one state came to."""

    source: Label
    target: Label
    wish: Wish
    situation: str
    actor: str | None
    events: tuple[Event, ...]
    refusal: RejectionCode | None
    postponed: bool
    is_taken: bool
    """Whether the stream itself got an event."""

    @property
    def outcome(self) -> str:
        """Events joined by `+`, a refusal code in brackets, or a dash for nothing."""
        if self.refusal is not None:
            return f"[{self.refusal.value}]"
        if self.postponed:
            return POSTPONED
        return " + ".join(event_text(event) for event in self.events) or NOTHING


@dataclass(frozen=True, slots=True)
class Exploration:
    """All steps of a machine, and its labels in the order in which they were found."""

    machine: Machine
    steps: tuple[Step, ...]
    labels: tuple[Label, ...]


def explore(machine: Machine) -> Exploration:
    """Run every trial in every reachable state."""
    initial = machine.decider.initial
    waiting = deque([initial])
    known: set[Hashable] = {_key(machine, initial)}
    labels = {machine.label(initial): None}
    steps: list[Step] = []
    while waiting:
        state = waiting.popleft()
        for trial in all_trials(machine, state):
            step, after = _run(machine, state, trial)
            steps.append(step)
            labels.setdefault(step.target)
            key = _key(machine, after)
            if key not in known:
                known.add(key)
                waiting.append(after)
        assert len(known) <= STATES_MAX, f"{machine.title}: too many states"
    return Exploration(machine, tuple(steps), tuple(labels))


def ask(decider: AnyDecider, state: object, trial: Trial) -> Decision:
    """Decide one trial as the kernel would: with what the decider needs, and nothing else."""
    assert decider.decide is not None
    world = trial.world
    needs = decider.needs(trial.wish, state)
    facts = Facts(
        now=world.now,
        actor=world.actor,
        shared={key: world.shared.get(key) for key in needs.facts},
        balances={account: world.balances.get(account, 0) for account in needs.debits},
    )
    return decider.decide(trial.wish, state, facts)


def event_text(event: Event) -> str:
    """Name of an event, with its code, reason or cause where that is one of a closed list."""
    name = snake_case(type(event).__name__)
    info = inspect.type_info(type(event))
    assert isinstance(info, inspect.StructType)
    for field in info.fields:
        closed = isinstance(field.type, inspect.LiteralType | inspect.EnumType)
        if closed and field.name in {"code", "reason", "cause"}:
            return f"{name} ({getattr(event, field.name)})"
    return name


def _run(machine: Machine, state: object, trial: Trial) -> tuple[Step, object]:
    decision = ask(machine.decider, state, trial)
    after = state
    events: tuple[Event, ...] = ()
    if not isinstance(decision, Rejected | Postponed):
        events = tuple(decision)
    own = [event for event in events if isinstance(event, machine.decider.events)]
    for event in own:
        after = machine.decider.evolve(after, event)
    step = Step(
        source=machine.label(state),
        target=machine.label(after),
        wish=trial.wish,
        situation=trial.situation,
        actor=trial.world.actor,
        events=events,
        refusal=decision.code if isinstance(decision, Rejected) else None,
        postponed=isinstance(decision, Postponed),
        is_taken=bool(own),
    )
    return step, after


def _key(machine: Machine, state: object) -> Hashable:
    return machine.label(state), machine.detail(state)
