"""What everything in one simulation shares: time, chance, tables, broker, and what was seen."""

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from random import Random

from danbao.kernel.memory.broker import MemoryBroker
from danbao.kernel.memory.clock import START
from danbao.kernel.memory.tables import Tables
from danbao.testing.simulation.faults import Fault, Plan
from danbao.testing.simulation.loop import SimulationLoop

LINES_KEPT = 60
"""Of the trace, for a report of what happened last."""


@dataclass(slots=True)
class Coverage:
    """What a run came by."""

    points: Counter[str] = field(default_factory=Counter)
    """Crash points that were met, and `dead:` or `frozen:` those that somebody ended at."""
    faults: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    """Refusals and declines."""

    def add(self, other: "Coverage") -> None:
        """Count another run in."""
        self.points.update(other.points)
        self.faults.update(other.faults)
        self.errors.update(other.errors)
        self.codes.update(other.codes)


class Trace:
    """What happened, in order: the last lines, and a hash over all."""

    def __init__(self) -> None:
        """Nothing happened yet."""
        self._hash = blake2b(digest_size=16)
        self.lines: deque[str] = deque(maxlen=LINES_KEPT)

    def note(self, at: float, *words: object) -> None:
        """Note what happened at a second."""
        line = f"{at:.6f} {' '.join(map(str, words))}"
        self.lines.append(line)
        self._hash.update(line.encode())

    def digest(self, random: Random) -> str:
        """The hash of all that happened; every draw counts, so that no two runs look the same."""
        whole = self._hash.copy()
        whole.update(repr(random.getstate()).encode())
        return whole.hexdigest()


class Server:
    """Postgres, or the broker: there or not."""

    def __init__(self, name: str) -> None:
        """Be there."""
        self.name = name
        self.back = asyncio.Event()
        self.back.set()

    @property
    def is_away(self) -> bool:
        """Nobody answers."""
        return not self.back.is_set()


class World:
    """One simulated world."""

    def __init__(self, plan: Plan) -> None:
        """Empty tables and topics; second 0; faults on."""
        self.plan = plan
        self.random = Random(f"{plan.options.seed}/run")  # noqa: S311 - a game, not a secret
        self.loop = SimulationLoop(self.random)
        self.tables = Tables()
        self.broker = MemoryBroker(plan.partitions)
        self.postgres = Server("postgres")
        self.kafka = Server("kafka")
        self.trace = Trace()
        self.coverage = Coverage()
        self.is_faulty = True
        self.moved = timedelta(0)
        """By how much the clock of the sandbox was moved."""
        self.problems: list[str] = []
        self.is_broken = asyncio.Event()

    def now(self) -> datetime:
        """The time of day, without what a sandbox has moved it by."""
        return START + timedelta(seconds=self.loop.time())

    def note(self, *words: object) -> None:
        """Note what happens now."""
        self.trace.note(self.loop.time(), *words)

    def fail(self, problem: str) -> None:
        """A promise is broken: the run ends."""
        self.note("broken", problem)
        self.problems.append(problem)
        self.is_broken.set()

    def strikes(self, fault: Fault) -> bool:
        """Tell whether a fault of this kind strikes on this occasion."""
        if not self.is_faulty:
            return False
        chance = self.plan.chances.get(fault)
        if chance is None or self.random.random() >= chance:
            return False
        self.coverage.faults[fault] += 1
        return True
