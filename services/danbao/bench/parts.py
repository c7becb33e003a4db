"""Parts of the engine alone: the kernel, the relay, the projector, and reading the log.

What a part works on is there before it begins, and everything else is frozen meanwhile.  Afterwards
the engine is good for nothing else: parts come last, behind the verdict.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import psutil

from danbao.bench.drain import STILL_S_MAX, Drain
from danbao.bench.errors import VoidError
from danbao.bench.freezing import frozen
from danbao.bench.processor import part_of
from danbao.bench.session import Session
from danbao.bench.standing import Q, read_engine_usage, read_standing
from danbao.bench.whole_trades import STEPS
from danbao.engine.record import EngineRecord
from danbao.kernel.clock import PostgresClock
from danbao.kernel.events import decode_event
from danbao.kernel.kafka.clients import make_admin
from danbao.kernel.postgres.store import PostgresStore
from danbao.kernel.topics import ensure_topics

LOOK_EVERY_S = 0.01
SLICE_ROWS = 5_000

Figures = dict[str, Any]
Reset = Callable[[], Awaitable[None]]


async def kernel(session: Session, trades: int) -> Figures:
    """The transaction of one batch: escrow alone creates trades out of a backlog."""
    [create, *_] = STEPS
    plan = await session.prepare(session.work.plan(trades, session.next_seed()))
    drain = Drain(session.place.record, session.place.home, session.connection)
    lines = plan.steps()[create.command]
    measured = await drain.stretch(create, lines, only=("escrow",))
    used = measured.usage.seconds
    return {
        "commands": trades,
        "seconds": measured.answered_s,
        "commands_per_s": trades / measured.answered_s,
        "cpu_us_per_command": used["escrow"] / trades * 1e6,
        "postgres_cpu_us_per_command": used.get("postgres", 0.0) / trades * 1e6,
        "kafka_cpu_us_per_command": used.get("kafka", 0.0) / trades * 1e6,
        "wal_bytes_per_command": measured.wal_bytes / trades,
    }


async def relay(session: Session) -> Figures:
    """Publish the whole log again, into events topics that were made anew."""
    record = session.place.record()

    async def forget() -> None:
        admin = make_admin(record.kafka_bootstrap, client_id="danbao-bench")
        await admin.start()
        try:
            topics = [t for t in await admin.list_topics() if t.endswith(".events")]
            await admin.delete_topics(topics)
            while set(topics) & set(await admin.list_topics()):  # noqa: ASYNC110 - no signal
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            await admin.close()
        await ensure_topics(record.kafka_bootstrap, record.partitions, {})
        await session.connection.execute(Q["publish_again"])

    return await _follow(session, "relay", "published", forget)


async def projector(session: Session) -> Figures:
    """Fill all read models from the first event on."""

    async def forget() -> None:
        tables = await session.connection.fetchval(Q["read_models"])
        await session.connection.execute(f"TRUNCATE {tables}")
        await session.connection.execute(Q["project_again"])

    return await _follow(session, "projector", "projected", forget)


async def replay(session: Session) -> Figures:
    """Read the log from the first event on, first raw, then as domain events; in this process."""
    record = session.place.record()
    clock = PostgresClock(is_moved=False)
    store = PostgresStore(record.postgres_dsn, purpose="bench", may_hold_head=False, clock=clock)
    figures: Figures = {}
    try:
        for name, is_decoded in (("raw", False), ("decoded", True)):
            begun_at, used, position = time.perf_counter(), time.process_time(), 0
            while rows := await store.read_log(position, SLICE_ROWS):
                position = rows[-1].position
                if is_decoded:
                    for row in rows:
                        decode_event(row.type, row.data)
            seconds = time.perf_counter() - begun_at
            figures |= {
                "events": position,
                f"{name}_events_per_s": position / seconds,
                f"{name}_cpu_us_per_event": (time.process_time() - used) / position * 1e6,
            }
    finally:
        await store.close()
    return figures


async def _follow(session: Session, name: str, place: str, forget: Reset) -> Figures:
    """Have one process begin anew, and measure it from its first slice to the end of the log."""
    record, connection = session.place.record(), session.connection
    head = (await read_standing(connection)).position
    with frozen(record, [n for n in record.processes if part_of(n) != name]):
        workers = [record.processes[n] for n in record.processes if part_of(n) == name]
        for pid in workers:
            psutil.Process(pid).suspend()
        await forget()
        for pid in workers:
            psutil.Process(pid).kill()
        first = await _until(session, place, 1)
        begun_at, again = time.perf_counter(), await _started_again(session, name, workers)
        usage = await read_engine_usage(connection, again)
        await _until(session, place, head)
        seconds = time.perf_counter() - begun_at
        used = (await read_engine_usage(connection, again)).since(usage).seconds
    events = head - first
    return {
        "events": events,
        "seconds": seconds,
        "events_per_s": events / seconds,
        "cpu_us_per_event": used[name] / events * 1e6,
        "postgres_cpu_us_per_event": used.get("postgres", 0.0) / events * 1e6,
        "kafka_cpu_us_per_event": used.get("kafka", 0.0) / events * 1e6,
    }


async def _until(session: Session, place: str, position: int) -> int:
    """Wait until a position is reached; gives the one that was."""
    last, moved_at = -1, time.monotonic()
    while True:
        reached: int = getattr(await read_standing(session.connection), place)
        if reached >= position:
            return reached
        if reached != last:
            last, moved_at = reached, time.monotonic()
        if time.monotonic() - moved_at > STILL_S_MAX:
            raise VoidError(f"{place} stays at {reached}, expected {position}")
        await asyncio.sleep(LOOK_EVERY_S)


async def _started_again(session: Session, name: str, before: list[int]) -> EngineRecord:
    """The engine's record, once it names the process that was started again."""
    deadline = time.monotonic() + STILL_S_MAX
    while time.monotonic() < deadline:
        with suppress(psutil.Error):
            record = session.place.record()
            pids = [pid for n, pid in record.processes.items() if part_of(n) == name]
            if pids and not set(pids) & set(before):
                return record
        await asyncio.sleep(LOOK_EVERY_S)
    raise VoidError(f"{name} was not started again")
