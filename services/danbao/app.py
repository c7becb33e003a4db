"""The application: the only place where services, kernel and settings meet."""

import asyncio
import gc
import os
import signal
from collections.abc import Awaitable
from typing import Protocol

import structlog
import uvloop

from danbao.accounts.service import service as accounts
from danbao.authorization.service import service as authorization
from danbao.channel.service import service as channel
from danbao.contracts.decider import Service
from danbao.escrow.service import service as escrow
from danbao.kernel.bookkeeper import Bookkeeper
from danbao.kernel.clock import SystemClock
from danbao.kernel.crash import plan_crash
from danbao.kernel.errors import DanbaoError
from danbao.kernel.kafka_sink import KafkaCommandSink, KafkaEventSink
from danbao.kernel.kafka_source import KafkaSource
from danbao.kernel.logging import configure_logging
from danbao.kernel.projector import Projector
from danbao.kernel.relay import Relay
from danbao.kernel.scheduler import Scheduler
from danbao.kernel.settings import Settings
from danbao.kernel.store import PostgresStore
from danbao.kernel.topics import commands_topic, events_topic
from danbao.kernel.worker import Worker
from danbao.readmodels.models import READ_MODELS
from danbao.risk.service import service as risk
from danbao.settlement.service import service as settlement

SERVICES: dict[str, Service] = {
    service.name: service
    for service in (accounts, authorization, channel, escrow, risk, settlement)
}
HELPERS = ("relay", "projector", "scheduler", "bookkeeper")
"""Processes that no command is sent to."""

PROCESSES = (*SERVICES, *HELPERS)
STOP_WITHIN_S = 5
EXIT_STOPPED = 3
GC_THRESHOLDS = (50_000, 20, 20)
"""A batch makes thousands of short-lived objects without cycles: look for cycles more rarely."""

log = structlog.get_logger()


class Process(Protocol):
    """Something that runs until it is asked to stop."""

    stopping: bool

    async def run(self) -> None:
        """Work until `stopping` is set."""
        ...


def make_process(name: str, settings: Settings) -> Process:
    """Wire one process from its parts.

    Raises:
        KeyError: no process has that name.
    """
    clock = SystemClock()
    dsn, bootstrap = settings.postgres_dsn, settings.kafka_bootstrap
    owner = f"{name}-{settings.worker_id}-{os.getpid()}"
    if name == "relay":
        store = PostgresStore(dsn, purpose=name, may_hold_head=False)
        sink = KafkaEventSink(bootstrap, settings.partitions)
        return Relay(store, sink, clock, settings, owner)
    if name == "projector":
        return Projector(
            PostgresStore(dsn, purpose=name, may_hold_head=False), READ_MODELS, clock, settings
        )
    if name == "bookkeeper":
        return Bookkeeper(PostgresStore(dsn, purpose=name, may_hold_head=False), clock, settings)
    if name == "scheduler":
        store = PostgresStore(dsn, purpose=name, may_hold_head=False)
        return Scheduler(store, KafkaCommandSink(bootstrap, settings.partitions), clock, settings)
    service = SERVICES[name]
    source = KafkaSource(
        bootstrap,
        [commands_topic(name), *(events_topic(source) for source in service.sources)],
        group=f"danbao.{name}",
        client_id=f"danbao-{name}-{settings.worker_id}",
        session_timeout_ms=settings.session_timeout_ms,
        fetch_wait_ms=settings.batch_wait_ms,
    )
    store = PostgresStore(dsn, purpose=name, may_hold_head=True)
    return Worker(service, store, source, clock, settings)


def run_process(name: str, settings: Settings) -> int:
    """Run one process until SIGTERM or SIGINT; gives its exit code."""
    configure_logging(service=name, worker=settings.worker_id)
    plan_crash(settings.crash_at)
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    return uvloop.run(_run(name, settings))


async def _run(name: str, settings: Settings) -> int:
    process = make_process(name, settings)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    work = asyncio.create_task(process.run())
    waiting = asyncio.create_task(stop.wait())
    log.info("process.started", name=name)
    await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
    process.stopping = True
    if not work.done():
        work.cancel()
        await _within(asyncio.wait({work}), STOP_WITHIN_S)
    code = _exit_code(work)
    await _within(_close(process), STOP_WITHIN_S)
    log.info("process.stopped", name=name, exit_code=code)
    return code


def _exit_code(work: "asyncio.Task[None]") -> int:
    if not work.done() or work.cancelled():
        return 0
    error = work.exception()
    if error is None:
        return 0
    if isinstance(error, DanbaoError):
        log.error("process.refused", error_code=error.code, error=str(error), todo=error.todo)
        return EXIT_STOPPED
    log.error("process.failed", exc_info=error)
    return 1


async def _within(work: Awaitable[object], seconds: float) -> None:
    try:
        await asyncio.wait_for(work, seconds)
    except TimeoutError:
        log.warning("stop.timed_out", seconds=seconds)


async def _close(process: Process) -> None:
    """Let go of servers, in the order in which work flows."""
    for part in ("source", "sink", "store"):
        opened = getattr(process, part, None)
        if opened is not None:
            await opened.close()
