"""Every named crash point, hit by SIGKILL and by SIGSTOP while trades go through."""

import signal
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from tests.faults.conftest import Settle
from tests.faults.fleet import Fleet, Member
from tests.faults.load import Load
from tests.faults.record import FaultRecord
from tests.faults.watch import Watch

from danbao.app import SERVICES
from danbao.kernel.crash import POINTS

pytestmark = [pytest.mark.servers, pytest.mark.timeout(180)]

WORKERS = ("escrow", "authorization", "settlement", "risk")
HIT_WITHIN_S = 30
BACK_WITHIN_S = {"relay": 10.0, "projector": 12.0, "scheduler": 12.0, "checkpointer": 12.0}
"""Other kinds are services: their bar is 10 s."""
SERVICE_BACK_WITHIN_S = 10.0
REPLACED_WITHIN_S = 20.0
OTHERS_COMMIT_WITHIN_S = 5.0
RARE = ("scheduler", "checkpointer")
"""They come by a point every few seconds at most."""
HEAD_HELD = ("worker.after_append", "worker.before_append", "relay.committed")
MET = [point for point in POINTS if not point.startswith(("worker.retr", "build."))]
"""A dead letter that is tried again has points of its own: see test_letters_tried_again; so has a
build of a read model: see tests/integration/test_rebuild.py."""


def brief(points: Sequence[str]) -> list[Any]:
    """Points as parameters, those given with the mark of the selection."""
    return [pytest.param(p, marks=[pytest.mark.brief] if p in points else []) for p in MET]


def kind_at(point: str, random: Random) -> str:
    """Which process meets a point."""
    kind = point.partition(".")[0]
    return random.choice(WORKERS) if kind == "worker" else kind


async def arm(fleet: Fleet, point: str, how: str, random: Random) -> Member:
    """Start the process of a point anew, so that it dies or freezes there."""
    kind = kind_at(point, random)
    hit = random.randint(2, 6) if kind not in RARE else 1
    return await fleet.renew(f"{kind}-0", crash_at=f"{point}:{hit}{how}")


@pytest.mark.parametrize("point", brief(MET))
async def test_a_process_killed_at_a_point_loses_and_doubles_nothing(
    fleet: Fleet,
    watch: Watch,
    faults: FaultRecord,
    settle: Settle,
    random: Random,
    load_seed: int,
    point: str,
) -> None:
    """`kill -9` at the worst moments: what is committed stays, what is not happens once."""
    async with Load(fleet, load_seed, trades=300) as load:
        victim = await arm(fleet, point, "", random)
        await victim.wait_killed(HIT_WITHIN_S)
        fault = faults.hit("SIGKILL", f"{victim.kind} at {point}")
        fleet.forget(victim)
        fleet.spawn(victim.kind)
        bar = BACK_WITHIN_S.get(victim.kind, SERVICE_BACK_WITHIN_S)
        fault.took("back", await watch.moves(victim.kind, bar + 10), bar)
        await load.finish()
    await settle(fault)


@pytest.mark.parametrize("point", brief(HEAD_HELD))
async def test_a_process_frozen_at_a_point_holds_nobody_up_and_is_fenced_when_it_wakes(
    fleet: Fleet,
    watch: Watch,
    faults: FaultRecord,
    settle: Settle,
    random: Random,
    load_seed: int,
    point: str,
) -> None:
    """A process that sleeps through its time-outs has no say any more."""
    kind = kind_at(point, random)
    async with Load(fleet, load_seed, trades=500, rate=45) as load:
        if kind in SERVICES:  # a second worker, which freezes; the first one goes on
            plan = f"{point}:{random.randint(1, 3)}:stop"
            victim = await fleet.start_member(kind, 1, crash_at=plan)
        else:
            victim = await arm(fleet, point, ":stop", random)
        await victim.wait_frozen(HIT_WITHIN_S)
        fault = faults.hit("SIGSTOP", f"{kind} at {point}")
        fault.took("others commit", await watch.moves("head", 15), OTHERS_COMMIT_WITHIN_S)
        fleet.forget(victim)
        if kind not in SERVICES:
            await fleet.start_member(kind, 2)
            bar = BACK_WITHIN_S[kind]
            fault.took("replaced", await watch.moves(kind, bar + 10), bar)
        fault.took("120 more answers", await load.more(120), REPLACED_WITHIN_S)
        victim.send(signal.SIGCONT)
        await load.more(20)
        await load.finish()
    await settle(fault)
