"""Processor time by process."""

import subprocess
import sys

import psutil
import pytest
from tests.unit.bench.processes import SLEEP, engine

from danbao.bench.errors import VoidError
from danbao.bench.processor import GENERATOR, POSTGRES_ITSELF, children_of, read_usage


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
    """Processes are remembered by their id; one that ended under way makes the run void."""
    readings = []
    for _ in range(2):
        with subprocess.Popen([sys.executable, "-c", SLEEP]) as process:
            record = engine(**{"escrow-0": process.pid})
            readings += [read_usage(record, []), read_usage(record, [])]
            process.kill()
        with pytest.raises(VoidError, match=f"process {process.pid} ended"):
            read_usage(record, [])

    assert all(reading.memory["escrow"] > 0 for reading in readings)
