"""What a stream can be asked, in which world: the input of an exploration."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from danbao.contracts.decider import AnyDecider, Wish
from danbao.contracts.facts import Fact
from danbao.contracts.message import Command, Timer
from danbao.schemas.sample import NOW


class Label(NamedTuple):
    """A state as people name it: its status, and the flags that are up."""

    status: str
    flags: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Such as `WAIT_BUYER_PAY, frozen`."""
        return ", ".join((self.status, *self.flags))


@dataclass(frozen=True, slots=True)
class World:
    """All that a decision may find outside its stream; what it does not ask for it does not get."""

    shared: Mapping[str, Fact | None] = field(default_factory=dict)
    balances: Mapping[tuple[str, str], int] = field(default_factory=dict)
    now: datetime = NOW
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """One wish in one world.  A trial without a situation is the plain, blameless case."""

    wish: Wish
    world: World
    situation: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Machine:
    """A decider, how its states are told apart, and what to try in each."""

    decider: AnyDecider
    title: str
    label: Callable[[Any], Label]
    trials: Callable[[Any], Sequence[Trial]]
    world: World = World()
    """What the machine's timers find when they are due."""
    stale_timers: Sequence[Timer] = ()
    """Timers that come although nothing runs, or what they were for stands still."""
    detail: Callable[[Any], Hashable] = str
    """States of one label that differ in this are explored apart; by default in anything."""


PARTIES: Mapping[str, str] = {
    "buyer": "buyer:B-1001",
    "seller": "seller:S-2001",
    "operator": "operator:O-1",
}
"""The actors by which is found who may send a command: the samples' own parties."""

STRANGER = "buyer:B-9999"
LATER = NOW + timedelta(days=365)
"""When stale timers come: no deadline is still ahead."""


def all_trials(machine: Machine, state: object) -> tuple[Trial, ...]:
    """The machine's own trials, its timers, and each command from every kind of actor."""
    own = tuple(machine.trials(state))
    plain = [trial for trial in own if not trial.situation and isinstance(trial.wish, Command)]
    asked = {type(trial.wish): trial for trial in plain}.values()
    actors = {f"sent by the {party}": actor for party, actor in PARTIES.items()}
    actors["sent by a stranger"] = STRANGER
    acted = tuple(
        Trial(trial.wish, replace(trial.world, actor=actor), situation)
        for trial in asked
        for situation, actor in actors.items()
    )
    return (*own, *acted, *_timers(machine, state))


def _timers(machine: Machine, state: object) -> tuple[Trial, ...]:
    """Running timers when they are due; the others as the stale ones that they are."""
    running = machine.decider.timers(state)
    due = tuple(Trial(timer.command, replace(machine.world, now=timer.due_at)) for timer in running)
    armed = {type(timer.command) for timer in running}
    late = replace(machine.world, now=LATER)
    stale = tuple(Trial(timer, late) for timer in machine.stale_timers)
    return (*due, *(trial for trial in stale if type(trial.wish) not in armed))
