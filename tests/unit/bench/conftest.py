"""What tests of the benchmark share."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from tests.unit.bench.processes import PARENT


@pytest.fixture
def parent() -> Iterator[tuple[int, list[int]]]:
    """A process with two children, as Postgres is one; and their ids."""
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield process.pid, [int(pid) for pid in process.stdout.readline().split()]
        process.communicate()
