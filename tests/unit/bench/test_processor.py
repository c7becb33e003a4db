"""Processor time by process."""

import os
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from danbao.bench.processor import GENERATOR, POSTGRES_ITSELF, children_of, read_usage
from danbao.engine.record import EngineRecord

SLEEP = "import time; time.sleep(60)"
PARENT = f"""
import subprocess, sys
children = [subprocess.Popen([sys.executable, "-c", "{SLEEP}"]) for _ in range(2)]
print(*(child.pid for child in children), flush=True)
sys.stdin.read()
for child in children:
    child.kill()
    child.wait()
"""


@pytest.fixture
def parent() -> Iterator[tuple[int, list[int]]]:
    """A process with two children, as Postgres is one; and their ids."""
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield process.pid, [int(pid) for pid in process.stdout.readline().split()]
        process.communicate()


def engine(**processes: int) -> EngineRecord:
    """An engine of which these processes are told."""
    return EngineRecord(
        pid=os.getpid(),
        started=0.0,
        postgres_dsn="",
        kafka_bootstrap="",
        partitions=8,
        processes=processes,
    )


def test_children_are_found_without_looking_at_every_process(
    parent: tuple[int, list[int]],
) -> None:
    """What is measured once a second must not cost what a service does."""
    pid, children = parent

    assert sorted(children_of(psutil.Process(pid))) == sorted(children)


def test_backends_count_for_their_clients(parent: tuple[int, list[int]]) -> None:
    """What Postgres does for a part of the engine is told beside it."""
    pid, [one, other] = parent

    usage = read_usage(engine(postgres=pid), [(one, "escrow"), (other, "escrow")])

    assert set(usage.postgres_for) == {POSTGRES_ITSELF, "escrow"}
    assert usage.memory["postgres"] > 0
    assert usage.seconds["postgres"] == pytest.approx(sum(usage.postgres_for.values()))
    assert usage.seconds[GENERATOR] > 0


def test_a_process_that_was_restarted_is_read_anew() -> None:
    """Processes are remembered by their id, and a new one has another."""
    readings = []
    for _ in range(2):
        with subprocess.Popen([sys.executable, "-c", SLEEP]) as process:
            record = engine(**{"escrow-0": process.pid})
            readings += [read_usage(record, []), read_usage(record, [])]
            process.kill()
        with pytest.raises(psutil.NoSuchProcess):
            read_usage(record, [])

    assert all(reading.memory["escrow"] > 0 for reading in readings)
