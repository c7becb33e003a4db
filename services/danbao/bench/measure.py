"""A whole measurement: engines of its own, accounts, a warm-up, rounds in turns, the verdict."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

from danbao.bench import parts
from danbao.bench.drain import Round
from danbao.bench.echo import measure_echo
from danbao.bench.figures import COMMANDS_A_TRADE, loop_figures, over_rounds, round_figures
from danbao.bench.freezing import frozen_with_servers
from danbao.bench.loops import Loop
from danbao.bench.place import Place, own_engine
from danbao.bench.session import Report, Session, Work, session
from danbao.bench.sides import THIS, Side, compare, of_commit, with_workers, without_hot_merchant
from danbao.bench.whole_trades import EVENTS_A_TRADE
from danbao.publisher.limits import Burst

COST = "cpu_ms_per_trade_of_the_engine"
PRELOAD_TRADES = 100_000
"""Traded at a time while a log is filled."""
PRELOAD_IN_FLIGHT = 4_000
ECHO_S = 10.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to measure."""

    stage: str = "all"
    """One of `STAGES`, or `all` of those that a running engine bears."""
    trades: int = 10_000
    """Whole trades of a round."""
    rounds: int = 3
    warm_up: int = 1_000
    """Trades drained before anything is measured: Kafka compiles, caches fill."""
    work: Work = field(default_factory=Work)
    in_flight: int = 1_600
    rate: float = 200.0
    """Trades begun a second in an open loop."""
    seconds: float = 30.0
    burst: Burst | None = None
    preload: int = 0
    """Events to be in the log before anything is measured; made through the append path."""
    seed: int = 1
    workers: Sequence[str] = field(default_factory=tuple)
    """Such as `escrow=2`."""
    home: Path | None = None
    audit: str = ""
    """A command that ends with status 0 when the books are right."""
    against: str = ""
    """A commit to measure beside this build."""
    scale: Sequence[int] = ()
    """So many workers of each service, in turns."""


@dataclass(slots=True)
class Found:
    """What was measured: figures for people and programs, and the loops behind them for plots."""

    figures: dict[str, Any]
    loops: dict[str, list[Loop]] = field(default_factory=dict)
    """By stage."""


Measured = Round | Loop | dict[str, Any]


async def _drain(session: Session, wanted: Wanted) -> Round:
    return await session.drain(wanted.trades)


async def _closed(session: Session, wanted: Wanted) -> Loop:
    return await session.closed(wanted.trades, wanted.in_flight)


async def _open(session: Session, wanted: Wanted) -> Loop:
    return await session.open(wanted.rate, wanted.seconds, wanted.burst)


async def _kernel(session: Session, wanted: Wanted) -> dict[str, Any]:
    return await parts.kernel(session, wanted.trades)


async def _relay(session: Session, _: Wanted) -> dict[str, Any]:
    return await parts.relay(session)


async def _projector(session: Session, _: Wanted) -> dict[str, Any]:
    return await parts.projector(session)


async def _replay(session: Session, _: Wanted) -> dict[str, Any]:
    return await parts.replay(session)


@dataclass(frozen=True, slots=True)
class Stage:
    """One thing to measure: how, and which of its figures is the rate."""

    run: Callable[[Session, Wanted], Awaitable[Measured]]
    rate: str
    is_part: bool = False
    """It works on a log of `trades` whole trades, and nothing can be checked after it."""


ALL = "all"
STAGES = {
    "drain": Stage(_drain, "trades_per_s"),
    "closed": Stage(_closed, "trades_per_s"),
    "open": Stage(_open, "trades_per_s"),
    "kernel": Stage(_kernel, "commands_per_s", is_part=True),
    "relay": Stage(_relay, "events_per_s", is_part=True),
    "projector": Stage(_projector, "events_per_s", is_part=True),
    "replay": Stage(_replay, "decoded_events_per_s", is_part=True),
}


def measure(wanted: Wanted, report: Report) -> Found:
    """Run the whole measurement.

    Raises:
        VoidError: the run does not count.
        SetupError: no such commit, or the home is not new.
    """
    with ExitStack() as stack:
        sides = _sides(wanted, stack)
        places: dict[str, Place] = {}
        for side in sides:
            home = None if wanted.home is None else wanted.home / side.name.replace(" ", "-")
            engine = own_engine(side.workers, home=home, environment=side.environment)
            places[side.name] = stack.enter_context(engine)
            partitions = places[side.name].record().partitions
            report(f"{side.name}: {partitions} partitions, home {places[side.name].home}")
        return uvloop.run(_measure(sides, places, wanted, report))


def _sides(wanted: Wanted, stack: ExitStack) -> list[Side]:
    """What takes turns; the first is what the others are compared with."""
    this = Side(THIS, wanted.work, wanted.workers)
    if wanted.against:
        return [stack.enter_context(of_commit(this, wanted.against)), this]
    if wanted.scale:
        return [with_workers(this, count) for count in wanted.scale]
    return [without_hot_merchant(this), this] if wanted.work.hot else [this]


def stages_of(figures: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The figures of each stage of a measurement, be it one or several."""
    return dict(figures.get("stages") or {figures["stage"]: figures})


async def _measure(
    sides: Sequence[Side], places: dict[str, Place], wanted: Wanted, report: Report
) -> Found:
    names = [wanted.stage]
    if wanted.stage == ALL:
        names = [name for name, stage in STAGES.items() if not stage.is_part]
    stages: dict[str, dict[str, Any]] = {}
    found = Found({})
    async with AsyncExitStack() as stack:
        sessions = {
            side.name: await stack.enter_async_context(
                session(places[side.name], side.work, wanted.seed, report)
            )
            for side in sides
        }
        are_parts = any(STAGES[name].is_part for name in names)
        for one in sessions.values():
            await _ready(one, wanted, is_part=are_parts)
            if wanted.audit and not are_parts:
                await one.verdict(wanted.audit)  # an auditor that cannot run is found now
        for name in names:
            stages[name], found.loops[name] = await _take_turns(name, sessions, wanted, report)
        if not are_parts:
            for one in sessions.values():
                await one.verdict(wanted.audit)
        if "open" in stages:
            stages["open"]["echo"] = await _echo(places[sides[-1].name], wanted, report)
    found.figures = stages.get(wanted.stage, {"stages": stages})
    found.figures["partitions"] = places[sides[-1].name].record().partitions
    return found


async def _take_turns(
    name: str, sessions: Mapping[str, Session], wanted: Wanted, report: Report
) -> tuple[dict[str, Any], list[Loop]]:
    """Measure one stage, round by round, each side in turn; gives the loops of the last side."""
    stage, loops = STAGES[name], list[Loop]()
    rounds: dict[str, list[dict[str, Any]]] = {side: [] for side in sessions}
    for number in range(1, wanted.rounds + 1):
        for side, one in sessions.items():
            report(f"{name}, round {number} of {wanted.rounds}, {side}")
            resting = [] if stage.is_part else [s for s in sessions.values() if s is not one]
            with _at_rest(resting):
                if resting:
                    await one.drain(wanted.warm_up)
                measured = await stage.run(one, wanted)
            rounds[side].append(_as_figures(measured))
            report(f"{rounds[side][-1][stage.rate]:,.0f} {stage.rate}")
            if isinstance(measured, Loop) and side == list(sessions)[-1]:
                loops.append(measured)
    figures = {"stage": name, **over_rounds(rounds[list(sessions)[-1]], stage.rate)}
    if len(sessions) > 1:
        figures["sides"] = {side: over_rounds(each, stage.rate) for side, each in rounds.items()}
        figures["ratios"] = _ratios(rounds, stage.rate)
    return figures, loops


@contextmanager
def _at_rest(sessions: Iterable[Session]) -> Iterator[None]:
    """Freeze the engines whose turn it is not: what they have still to do is part of their turns.

    Idle processes cost the other a tenth of a core, and vacuums that are due now and then a whole
    one.  An engine that was frozen warms up before it is measured, as its workers must join their
    groups anew.
    """
    with ExitStack() as stack:
        for each in sessions:
            stack.enter_context(frozen_with_servers(each.place.record()))
        yield


async def _ready(session: Session, wanted: Wanted, *, is_part: bool) -> None:
    """Warm up, and fill the log as far as asked for; a part is checked here, before it begins."""
    await session.drain(wanted.warm_up)
    while (missing := wanted.preload - session.expected.events) > 0:
        session.report(f"{missing:,} events to go")
        trades = min(PRELOAD_TRADES, -(-missing // EVENTS_A_TRADE))
        await session.closed(trades, PRELOAD_IN_FLIGHT)
    if is_part:
        await session.drain(wanted.trades)
        await session.verdict(wanted.audit)


async def _echo(place: Place, wanted: Wanted, report: Report) -> dict[str, Any]:
    """A bare echo under as many records as there were commands, on the same Kafka."""
    rate = wanted.rate * COMMANDS_A_TRADE
    seconds = min(wanted.seconds, ECHO_S)
    report(f"a bare echo of {rate:,.0f} records a second")
    bootstrap = place.record().kafka_bootstrap
    return await measure_echo(bootstrap, int(rate * seconds), rate=rate)


def _as_figures(measured: Measured) -> dict[str, Any]:
    match measured:
        case Round():
            return round_figures(measured)
        case Loop():
            return loop_figures(measured)
        case _:
            return measured


def _ratios(rounds: dict[str, list[dict[str, Any]]], rate: str) -> list[dict[str, Any]]:
    """Every side over the first: in its rate, and in what a trade costs."""
    (base, of_base), *others = rounds.items()
    names = [rate, COST] if COST in of_base[0] else [rate]
    return [
        {"side": side, "base": base, **compare(of_side, of_base, name)}
        for side, of_side in others
        for name in names
    ]
