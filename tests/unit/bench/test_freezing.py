"""Freezing an engine."""

import subprocess
import sys
import time

import psutil
import pytest
from tests.unit.bench.processes import SLEEP, engine

from danbao.bench.freezing import frozen, frozen_with_servers

WITHIN_S = 5.0
"""A signal is heard when its process gets a core."""


def stopped(pids: list[int]) -> list[int]:
    """Those that stand still."""
    return [pid for pid in pids if psutil.Process(pid).status() == psutil.STATUS_STOPPED]


def stand_still(pids: list[int], expected: list[int]) -> bool:
    """Whether of some processes these and no others stand still, soon."""
    deadline = time.monotonic() + WITHIN_S
    while stopped(pids) != expected and time.monotonic() < deadline:
        time.sleep(0.01)
    return stopped(pids) == expected


def test_an_engine_stands_still_with_its_servers_and_goes_on(
    parent: tuple[int, list[int]],
) -> None:
    """A vacuum of Postgres is a child of it, and would go on alone."""
    postgres, backends = parent
    with subprocess.Popen([sys.executable, "-c", SLEEP]) as escrow:
        record = engine(**{"postgres": postgres, "escrow-0": escrow.pid})
        everything = [postgres, *backends, escrow.pid]

        with frozen_with_servers(record):
            assert stand_still(everything, everything)
        assert stand_still(everything, [])

        with frozen(record):
            assert stand_still(everything, [escrow.pid])
        assert stand_still(everything, [])
        escrow.kill()


def test_an_engine_goes_on_after_a_measurement_that_failed(parent: tuple[int, list[int]]) -> None:
    """Nobody could end a process that was left standing."""
    postgres, backends = parent

    with pytest.raises(ZeroDivisionError), frozen_with_servers(engine(postgres=postgres)):
        raise ZeroDivisionError

    assert stand_still([postgres, *backends], [])
