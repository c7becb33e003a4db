"""What can go wrong in a simulation, and which of it does under one seed.

Swarm: each seed turns some kinds off entirely and draws how often the others strike, as a mix of
everything at once hides what only a few kinds together show.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final


class Fault(StrEnum):
    """Kinds of faults; their names are options of the command line."""

    CRASH_POINT = "crash-point"
    """A process dies at a named point of the kernel."""
    KILL = "kill"
    """A process dies anywhere."""
    FREEZE_POINT = "freeze-point"
    """A process stops at a named point and goes on later, not knowing that time has passed."""
    FREEZE = "freeze"
    """A process stops anywhere and goes on later."""
    CANCEL = "cancel"
    """A process's work is cancelled, so that its `finally` blocks run."""
    STOP = "stop"
    """A process is asked to stop, and another one takes its place."""
    EXPEL = "expel"
    """The broker takes a worker's partitions away; the worker hears of it later."""
    SCALE = "scale"
    """A further worker joins."""
    LOSS = "loss"
    """A connection breaks: before the request, after it, or during COMMIT."""
    SLOW = "slow"
    """Some requests take long."""
    LATE_RECORDS = "late-records"
    """What the relay has sent to a partition arrives when nobody waits for it any more."""
    POSTGRES_AWAY = "postgres-away"
    """Postgres ends all transactions and is not there for a while."""
    KAFKA_AWAY = "kafka-away"
    """The broker is not there for a while."""
    CLOCK_JUMP = "clock-jump"
    """It is suddenly some hours later."""
    HASTE = "haste"
    """Clients do not wait for what they should wait for."""
    DELAY = "delay"
    """Commands arrive late, and so in another order."""
    DUPLICATE = "duplicate"
    """Commands are sent again, at once or much later."""
    OTHER_BODY = "other-body"
    """Another command is sent under an id that is taken."""
    RACE = "race"
    """Somebody names at this very moment what is only just being made."""
    UNREADABLE = "unreadable"
    """Records that cannot be read lie among the commands; an operator has them tried again."""


OFTEN: Final[dict[Fault, tuple[float, float]]] = {
    Fault.CRASH_POINT: (0.002, 0.02),
    Fault.FREEZE_POINT: (0.001, 0.01),
    Fault.LOSS: (0.0005, 0.01),
    Fault.SLOW: (0.005, 0.05),
    Fault.LATE_RECORDS: (0.02, 0.3),
    Fault.HASTE: (0.02, 0.3),
    Fault.DELAY: (0.02, 0.5),
    Fault.DUPLICATE: (0.02, 0.3),
    Fault.OTHER_BODY: (0.01, 0.05),
    Fault.RACE: (0.2, 1.0),
    Fault.UNREADABLE: (0.005, 0.03),
    Fault.KILL: (0.1, 1.0),
    Fault.FREEZE: (0.1, 0.6),
    Fault.CANCEL: (0.1, 1.0),
    Fault.STOP: (0.1, 1.0),
    Fault.EXPEL: (0.1, 1.5),
    Fault.SCALE: (0.05, 0.3),
    Fault.POSTGRES_AWAY: (0.03, 0.2),
    Fault.KAFKA_AWAY: (0.03, 0.2),
    Fault.CLOCK_JUMP: (0.05, 0.2),
}
"""How often, least and most: the chance at each occasion, or times a virtual second."""

BY_THE_CLOCK: Final = (
    Fault.KILL,
    Fault.FREEZE,
    Fault.CANCEL,
    Fault.STOP,
    Fault.EXPEL,
    Fault.SCALE,
    Fault.POSTGRES_AWAY,
    Fault.KAFKA_AWAY,
    Fault.CLOCK_JUMP,
)
"""Those that strike so many times a second; the others have a chance at each occasion."""


@dataclass(frozen=True, slots=True)
class Options:
    """What one run is made from; the same options give the same run."""

    seed: int
    commands: int = 300
    without: tuple[Fault, ...] = ()
    """Kinds that do not strike, though the seed drew them."""
    always: tuple[Fault, ...] = ()
    """Kinds that strike as often as any seed lets them."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a seed has drawn before anything happens."""

    options: Options
    chances: dict[Fault, float]
    """The kinds that strike, with how often."""
    workers: dict[str, int]
    relays: int
    partitions: int
    batch_records: int
    chunk_rows: int
    patience_s: float
    """How long clients wait for what should come before they go on all the same."""
    flows_apart_s: float
    latency_s: float


def make_plan(options: Options, services: Collection[str]) -> Plan:
    """Draw the plan of a seed.  What is left out changes nothing else that is drawn."""
    random = Random(f"{options.seed}/plan")  # noqa: S311 - a game, not a secret
    share = random.choice((0.2, 0.5, 0.8))
    chances: dict[Fault, float] = {}
    for fault in Fault:
        least, most = OFTEN[fault]
        is_on, often = random.random() < share, least * (most / least) ** random.random()
        if fault in options.always:
            chances[fault] = most
        elif is_on and fault not in options.without:
            chances[fault] = often
    return Plan(
        options=options,
        chances=chances,
        workers={name: random.choice((1, 1, 2, 3)) for name in services},
        relays=random.choice((1, 2)),
        partitions=random.choice((1, 2, 3, 4)),
        batch_records=random.choice((1, 3, 10, 50, 500)),
        chunk_rows=random.choice((3, 20, 200, 4_000)),
        patience_s=random.choice((0.3, 1.0, 3.0)),
        flows_apart_s=random.choice((0.02, 0.1, 0.25)),
        latency_s=random.choice((0.0005, 0.002, 0.01)),
    )
