"""The application: the only place where services, kernel and settings meet."""

import gc
import os
from functools import partial

import uvloop

from danbao.accounts.service import service as accounts
from danbao.authorization.service import service as authorization
from danbao.channel.service import service as channel
from danbao.contracts.decider import Service
from danbao.escrow.service import service as escrow
from danbao.kernel import waiting
from danbao.kernel.bookkeeper import Bookkeeper
from danbao.kernel.clock import PostgresClock
from danbao.kernel.crash import plan_crash
from danbao.kernel.errors import StopError
from danbao.kernel.history import HistoryCheck
from danbao.kernel.kafka.sink import KafkaCommandSink, KafkaEventSink
from danbao.kernel.kafka.source import KafkaSource
from danbao.kernel.lag import LagMeter
from danbao.kernel.logging import configure_logging
from danbao.kernel.postgres.checks import check_start
from danbao.kernel.postgres.connection import HELPERS
from danbao.kernel.postgres.store import PostgresStore
from danbao.kernel.projector import Projector
from danbao.kernel.relay import Relay
from danbao.kernel.scheduler import Scheduler
from danbao.kernel.settings import Settings
from danbao.kernel.topics import commands_topic, events_topic
from danbao.kernel.worker import Worker
from danbao.metrics.questions import QUESTIONS, Question, ask_scheduler
from danbao.metrics.scrape import Scrape
from danbao.readmodels.models import READ_MODELS
from danbao.risk.service import service as risk
from danbao.settlement.service import service as settlement
from danbao.signing.checkpoint_file import CheckpointFile
from danbao.signing.checkpoint_topic import CheckpointTopic
from danbao.signing.checkpointer import Checkpointer
from danbao.signing.keys import KeyFolder
from danbao.tracing.wiring import make_tracer
from danbao.watch.life import Process, live, refused

SERVICES: dict[str, Service] = {
    service.name: service
    for service in (accounts, authorization, channel, escrow, risk, settlement)
}
TOPICS_READ: dict[str, list[str]] = {
    service.name: [
        commands_topic(service.name),
        *(events_topic(source) for source in service.sources),
    ]
    for service in SERVICES.values()
}
"""The topics that each service reads."""
PROCESSES = (*SERVICES, *HELPERS)
"""The services, and those that no command is sent to."""
GC_THRESHOLDS = (50_000, 20, 20)
"""A batch makes thousands of short-lived objects without cycles: look for cycles more rarely."""


def make_process(name: str, settings: Settings) -> tuple[Process, PostgresStore, waiting.Ask]:
    """Wire one process from its parts; also gives its store, and what its watch asks.

    Raises:
        KeyError: no process has that name.
    """
    clock = PostgresClock(is_moved=name != "relay")  # its lease runs out in real time
    dsn, bootstrap = settings.postgres_dsn, settings.kafka_bootstrap
    owner = f"{name}-{settings.worker_id}-{os.getpid()}"
    if name == "relay":
        store = PostgresStore(dsn, purpose=name, may_hold_head=False, clock=clock, is_patient=False)
        sink = KafkaEventSink(bootstrap, settings.partitions)
        ask = partial(waiting.events_to_publish, dsn, bootstrap, owner)
        agree = HistoryCheck(dsn, bootstrap, settings.partitions, process=name)
        return Relay(store, sink, clock, settings, owner, agree), store, ask
    if name == "projector":
        store = PostgresStore(dsn, purpose=name, may_hold_head=False, clock=clock, is_patient=True)
        projector = Projector(store, READ_MODELS, clock, settings)
        return projector, store, partial(waiting.events_to_project, dsn)
    if name == "bookkeeper":
        store = PostgresStore(dsn, purpose=name, may_hold_head=False, clock=clock, is_patient=True)
        return Bookkeeper(store, clock, settings), store, waiting.nothing
    if name == "checkpointer":
        return _checkpointer(settings, clock, owner)
    if name == "scheduler":
        store = PostgresStore(dsn, purpose=name, may_hold_head=False, clock=clock, is_patient=False)
        commands = KafkaCommandSink(bootstrap, settings.partitions)
        scheduler = Scheduler(store, commands, clock, settings, doubt=clock.doubt)
        return scheduler, store, partial(waiting.timers_to_send, dsn, bootstrap)
    service = SERVICES[name]
    group, client_id = f"danbao.{name}", f"danbao-{name}-{settings.worker_id}"
    source = KafkaSource(
        bootstrap,
        TOPICS_READ[name],
        group=group,
        client_id=client_id,
        session_timeout_ms=settings.session_timeout_ms,
        fetch_wait_ms=settings.batch_wait_ms,
        fetch_bytes_max=settings.fetch_bytes_max,
    )
    store = PostgresStore(dsn, purpose=name, may_hold_head=True, clock=clock)
    ask = partial(waiting.records_waiting, dsn, bootstrap, name, group, client_id)
    worker = Worker(service, store, source, clock, settings, observer=make_tracer(name, settings))
    return worker, store, ask


def _checkpointer(
    settings: Settings, clock: PostgresClock, owner: str
) -> tuple[Process, PostgresStore, waiting.Ask]:
    dsn, home = settings.postgres_dsn, settings.home
    store = PostgresStore(dsn, purpose="checkpointer", may_hold_head=False, clock=clock)
    checkpointer = Checkpointer(
        store=store,
        sink=CheckpointTopic(settings.kafka_bootstrap, settings.partitions),
        file=CheckpointFile.of_home(home),
        keys=KeyFolder(home),
        clock=clock,
        settings=settings,
        owner=owner,
    )
    return checkpointer, store, partial(waiting.events_to_sign, dsn, owner)


def run_process(name: str, settings: Settings) -> int:
    """Run one process until SIGTERM or SIGINT; gives its exit code."""
    configure_logging(process=name, worker=settings.worker_id, level=settings.log_level)
    plan_crash(settings.crash_at)
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    return uvloop.run(_run(name, settings))


async def _run(name: str, settings: Settings) -> int:
    try:
        process, store, ask = make_process(name, settings)
    except StopError as error:
        return refused(error)
    dsn, partitions = settings.postgres_dsn, settings.partitions
    agree = HistoryCheck(dsn, settings.kafka_bootstrap, partitions, process=name)

    async def check() -> None:
        await check_start(name, dsn, partitions, sandbox=settings.sandbox)
        if name in SERVICES:  # they write the log; the relay asks when it is the only one
            await agree()
        await store.connection()  # the clock hears what time it is

    question = question_of(name, settings)
    scrape = Scrape(name, settings.worker_id, process, dsn, question)
    return await live(process, name, settings, check=check, ask=ask, scraped=scrape.answer)


def question_of(name: str, settings: Settings) -> Question | None:
    """What is asked of the servers when a process is scraped; workers know all by themselves."""
    if name == "scheduler":
        meter = LagMeter(settings.kafka_bootstrap, TOPICS_READ, settings.partitions)
        return ask_scheduler(meter, list(SERVICES))
    return QUESTIONS.get(name)
