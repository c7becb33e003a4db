"""Freezing an engine: its processes stand still, and go on as if no time had passed."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress

import psutil

from danbao.bench.processor import SERVERS
from danbao.engine.record import EngineRecord


@contextmanager
def frozen(record: EngineRecord, names: Collection[str] | None = None) -> Iterator[None]:
    """Stop processes of an engine, all but its servers unless named, and let them go afterwards."""
    chosen = record.processes if names is None else names
    with _suspended(psutil.Process(record.processes[n]) for n in chosen if n not in SERVERS):
        yield


@contextmanager
def frozen_with_servers(record: EngineRecord) -> Iterator[None]:
    """Stop an engine with its Postgres and Kafka: a vacuum that is due waits like all else.

    Servers are stopped last and let go first, so that nobody sees them stand still.
    """
    with frozen(record), _suspended(_servers(record)):
        yield


def _servers(record: EngineRecord) -> Iterator[psutil.Process]:
    """The processes of the engine's own servers; one that begins others comes before them."""
    for name in SERVERS:
        if name in record.processes:
            process = psutil.Process(record.processes[name])
            yield process
            yield from process.children()


@contextmanager
def _suspended(processes: Iterable[psutil.Process]) -> Iterator[None]:
    stopped: list[psutil.Process] = []
    try:
        for process in processes:
            with suppress(psutil.NoSuchProcess):  # a backend of Postgres may end at any time
                process.suspend()
                stopped.append(process)
        yield
    finally:
        for process in stopped:
            with suppress(psutil.NoSuchProcess):
                process.resume()
