"""Whole trades through a running engine: a closed loop for the top rate, an open one for latency.

Closed: so many trades in flight, the next begins when one ends.  Open: trades begin at times drawn
beforehand (Poisson), whatever the engine does, and latency counts from then: a stall shows in all
that had to wait for it.  A later command of a trade counts from the moment at which the event that
it waited for was seen.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import asyncpg

from danbao.bench.drain import Drain
from danbao.bench.histogram import Histogram
from danbao.bench.place import Place
from danbao.bench.processor import Usage
from danbao.bench.standing import (
    Disk,
    Standing,
    read_disk,
    read_engine_usage,
    read_standing,
)
from danbao.bench.whole_trades import ANSWERED_BY, CREATE, CREDITED, SERVICES, STEPS, WholeTrades
from danbao.publisher import Limits
from danbao.publisher.flows import Answers
from danbao.publisher.publisher import drive
from danbao.publisher.stream import FlowStream

SAMPLE_EVERY_S = 1.0
WHOLE_TRADE = "whole trade"
OPEN_TICK_S = 0.008
"""How often an open loop starts and sends what is due: shorter is prompter, longer is cheaper."""
CLOSED_TICK_S = 0.02
SLICE_S = 15.0
"""Latency over time is told by slices of so many seconds."""
CALM_TRADES = 20
"""Open at once in any case, however low the rate."""
NAMES = {step.command: step.name for step in STEPS}
[END] = CREDITED


@dataclass(frozen=True, slots=True)
class Sample:
    """One second of a run."""

    at_s: float
    standing: Standing
    open_trades: int
    usage: Usage


@dataclass(frozen=True, slots=True)
class Loop:
    """One run of a loop."""

    trades: int
    seconds: float
    """From the first command until all is answered, published and in every read model."""
    latency: Mapping[str, Histogram]
    """By step, and of whole trades: from the first command until the credit was seen."""
    start_late_s_max: float
    """The generator's own worst delay; it is part of the latencies."""
    usage: Usage
    wal_bytes: int
    disk: Disk
    samples: Sequence[Sample]
    limits: Limits
    """How trades began."""
    slices: Sequence[Histogram] = ()
    """Of all commands, by the `SLICE_S` in which they were to go out: whether it got slower."""
    log_before: int = 0
    """Events in the log before it."""

    @property
    def drained_s(self) -> float | None:
        """Seconds from the end of a flash sale until as few trades were open as before it."""
        burst = self.limits.burst
        if burst is None:
            return None
        before = [s.open_trades for s in self.samples if s.at_s < burst.begin_s]
        calm = max(CALM_TRADES, 2 * max(before, default=0))
        after = (s.at_s for s in self.samples if s.at_s > burst.end_s and s.open_trades <= calm)
        return next(after, self.seconds) - burst.end_s


class Ear:
    """Hears every event, and notes how long what it ends took."""

    def __init__(self, begun_at: float) -> None:
        self.slices: list[Histogram] = []
        self._begun_at = begun_at
        self.latency = {name: Histogram() for name in (*NAMES.values(), WHOLE_TRADE)}
        self._begun: dict[str, float] = {}

    def __call__(self, key: str, event_type: str, answers: Answers | None, at: float) -> None:
        """Take in an event of a trade."""
        if answers is not None and answers.due_at:
            line = answers.line if not isinstance(answers.line, list) else answers.line[0]
            name = NAMES.get(line.type)
            if name is not None:
                took_ms = (at - answers.due_at) * 1000
                self.latency[name].add(took_ms)
                self._slice_at(answers.due_at).add(took_ms)
            if line.type == CREATE:
                self._begun[key] = answers.due_at
        elif event_type == END and key in self._begun:
            self.latency[WHOLE_TRADE].add((at - self._begun.pop(key)) * 1000)

    def _slice_at(self, due_at: float) -> Histogram:
        number = int((due_at - self._begun_at) / SLICE_S)
        while number >= len(self.slices):
            self.slices.append(Histogram())
        return self.slices[number]


async def run_loop(
    place: Place, connection: asyncpg.Connection, plan: WholeTrades, limits: Limits
) -> Loop:
    """Run a plan, whose accounts are there, through an engine at rest.

    Raises:
        FlowsStuckError: nothing moved for `limits.timeout_s`.
        VoidError: the read models do not catch up.
    """
    record = place.record()
    stream = FlowStream(plan.flows(), plan.count, SERVICES)
    samples: list[Sample] = []
    begun, disk = await read_standing(connection), await read_disk(connection, place.home)
    usage = await read_engine_usage(connection, record)
    begun_at = time.perf_counter()
    ear = Ear(begun_at)
    sampler = asyncio.create_task(_sample(place, connection, stream, samples))
    try:
        run = await drive(
            record.kafka_bootstrap,
            stream,
            limits=limits,
            client_id="danbao-bench",
            note=ear,
            services=ANSWERED_BY,
        )
    finally:
        sampler.cancel()
        with suppress(asyncio.CancelledError):
            await sampler
    answered_at = time.perf_counter()
    target = begun.position + plan.expected.events
    _, ended = await Drain(place.record, place.home, connection).until(target)
    return Loop(
        trades=plan.count,
        seconds=run.seconds + time.perf_counter() - answered_at,
        latency=ear.latency,
        start_late_s_max=run.start_late_s_max,
        usage=(await read_engine_usage(connection, record)).since(usage),
        wal_bytes=ended.wal_bytes - begun.wal_bytes,
        disk=(await read_disk(connection, place.home)).since(disk),
        samples=[_rebased(sample, begun_at) for sample in samples],
        limits=limits,
        slices=ear.slices,
        log_before=begun.position,
    )


async def _sample(
    place: Place, connection: asyncpg.Connection, stream: FlowStream, samples: list[Sample]
) -> None:
    """Look once a second, until cancelled."""
    while True:
        await asyncio.sleep(SAMPLE_EVERY_S)
        standing = await read_standing(connection)
        usage = await read_engine_usage(connection, place.record())
        samples.append(Sample(time.perf_counter(), standing, stream.open_flows, usage))


def _rebased(sample: Sample, begun_at: float) -> Sample:
    """A sample whose time counts from the begin of the run."""
    return Sample(sample.at_s - begun_at, sample.standing, sample.open_trades, sample.usage)
