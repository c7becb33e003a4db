"""Processor time by process: what each part of the engine costs, however busy the machine is.

Postgres counts as one process; what each client had it do is told by its backend's time, beside.
Times are seconds of user and system time together; memory is resident bytes.
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import psutil

from danbao.bench.errors import VoidError
from danbao.engine.record import EngineRecord

PROCESSES_REMEMBERED = 1_000
SERVERS = ("kafka", "postgres")
SUPERVISOR = "supervisor"
GENERATOR = "generator"
POSTGRES_ITSELF = "itself"
"""What Postgres does for nobody in particular: WAL, checkpoints, vacuum, clients that left."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used, by process, since the processes began or between two readings."""

    seconds: Mapping[str, float]
    postgres_for: Mapping[str, float] = field(default_factory=dict)
    memory: Mapping[str, int] = field(default_factory=dict)
    """As it is now; a difference has that of the later reading."""

    def since(self, earlier: "Usage") -> "Usage":
        """What was used between two readings."""
        return Usage(
            _difference(self.seconds, earlier.seconds),
            _difference(self.postgres_for, earlier.postgres_for),
            self.memory,
        )

    def plus(self, other: "Usage") -> "Usage":
        """Two stretches together."""
        return Usage(
            _sum(self.seconds, other.seconds),
            _sum(self.postgres_for, other.postgres_for),
            other.memory,
        )

    @property
    def total_s(self) -> float:
        """All processes together."""
        return sum(self.seconds.values())


def _difference(later: Mapping[str, float], earlier: Mapping[str, float]) -> dict[str, float]:
    return {name: max(0.0, value - earlier.get(name, 0.0)) for name, value in later.items()}


def _sum(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    return {name: one.get(name, 0.0) + other.get(name, 0.0) for name in {**one, **other}}


def read_usage(record: EngineRecord, backends: Iterable[tuple[int, str]]) -> Usage:
    """Read what every process of an engine has used; `backends` are Postgres' with their clients.

    Workers of one service are added up.  A given server that is not ours is left out.

    Raises:
        VoidError: a process is gone, and with it what it has used.
    """
    try:
        return _read_usage(record, backends)
    except psutil.NoSuchProcess as error:
        raise VoidError(f"process {error.pid} ended while it was measured") from error


def _read_usage(record: EngineRecord, backends: Iterable[tuple[int, str]]) -> Usage:
    seconds: dict[str, float] = defaultdict(float)
    memory: dict[str, int] = defaultdict(int)
    postgres_for: dict[str, float] = {}
    for name, pid in {**record.processes, SUPERVISOR: record.pid}.items():
        process = _process(pid)
        if name == "postgres":
            postgres_for, private = _postgres(process, backends)
            seconds[name] += sum(postgres_for.values())
            memory[name] += private
            continue
        part = part_of(name)
        seconds[part] += _own(process)
        memory[part] += process.memory_info().rss
    me = _process(os.getpid())
    seconds[GENERATOR] = _own(me)
    memory[GENERATOR] = me.memory_info().rss
    return Usage(dict(seconds), postgres_for, dict(memory))


def part_of(name: str) -> str:
    """The part of the engine that a process belongs to: `escrow` for `escrow-1`."""
    return name if name in SERVERS or name == SUPERVISOR else name.rpartition("-")[0]


@lru_cache(maxsize=PROCESSES_REMEMBERED)
def _process(pid: int) -> psutil.Process:
    """A process, looked up once: what is read of it later is that of whoever has its id then."""
    return psutil.Process(pid)


def _postgres(
    postmaster: psutil.Process, backends: Iterable[tuple[int, str]]
) -> tuple[dict[str, float], int]:
    """Time by client, and memory without counting what its processes share more than once."""
    clients = dict(backends)
    times, memory = postmaster.cpu_times(), postmaster.memory_info().rss
    used = {
        POSTGRES_ITSELF: times.user + times.system + times.children_user + times.children_system
    }
    for pid in children_of(postmaster):
        try:
            child = _process(pid)
            spent, info = _own(child), child.memory_info()
        except psutil.NoSuchProcess:
            continue
        client = clients.get(pid, POSTGRES_ITSELF)
        used[client] = used.get(client, 0.0) + spent
        memory += max(0, info.rss - info.shared)
    return used, memory


def children_of(process: psutil.Process) -> Sequence[int]:
    """Ids of the children of a process with one thread.

    Linux has them in a file; elsewhere, and to psutil, all processes of the machine are looked at.
    """
    try:
        listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_bytes()
    except OSError:
        return [child.pid for child in process.children()]
    return [int(pid) for pid in listed.split()]


def _own(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
