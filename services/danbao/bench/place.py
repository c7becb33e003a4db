"""Where a benchmark runs: an engine of its own in a temporary home, gone afterwards."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from danbao.engine.detached import start_in_background, stop_and_wait
from danbao.engine.record import EngineRecord, read_record
from danbao.kernel.errors import SetupError
from danbao.servers import LocalServers

STOP_WITHIN_S = 40.0
OWN_SERVERS = {"DANBAO_POSTGRES_DSN": "", "DANBAO_KAFKA_BOOTSTRAP": ""}
"""Addresses of somebody's engine may stand in the environment: its log is not ours to fill."""


class Place:
    """One running engine and its home."""

    def __init__(self, home: Path, first: EngineRecord) -> None:
        """It runs already."""
        self.home = home
        self._last = first

    def record(self) -> EngineRecord:
        """Which processes it has now."""
        self._last = read_record(self.home) or self._last
        return self._last


@contextmanager
def own_engine(
    workers: Sequence[str], *, home: Path | None = None, environment: Mapping[str, str] = {}
) -> Iterator[Place]:
    """Run an engine for a benchmark; its home is deleted unless you named one.

    Raises:
        SetupError: the home that you named has something in it.
        NotStartedError: the engine does not start.
    """
    if home is not None and home.exists() and any(home.iterdir()):
        raise SetupError(f"{home} is not empty", todo="Name a new folder for the benchmark.")
    chosen = home or Path(tempfile.mkdtemp(prefix="danbao-bench-"))
    chosen = chosen.absolute()
    try:
        more = {**OWN_SERVERS, **environment}
        record = start_in_background(chosen, workers, environment=more, outlives_us=False)
        try:
            yield Place(chosen, record)
        finally:
            stop_and_wait(record, STOP_WITHIN_S)
    finally:
        if home is None:
            LocalServers(chosen, lambda _: None).remove_outside_data()
            shutil.rmtree(chosen, ignore_errors=True)
