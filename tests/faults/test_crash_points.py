"""Every named crash point, hit by SIGKILL and by SIGSTOP while trades go through."""

import signal
from random import Random

import pytest
from tests.faults.conftest import Settle
from tests.faults.fleet import Fleet
from tests.faults.load import Load
from tests.faults.points import UNDER_LOAD, arm, bar_of, cases
from tests.faults.record import FaultRecord
from tests.faults.watch import Watch

from danbao.app import SERVICES

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]

HIT_WITHIN_S = 30
REPLACED_WITHIN_S = 20.0
OTHERS_COMMIT_WITHIN_S = 5.0
KILLED_BRIEFLY = ("worker.after_append", "worker.committed", "relay.committed")
FROZEN_BRIEFLY = ("worker.after_append",)


@pytest.mark.parametrize("point", cases(UNDER_LOAD, KILLED_BRIEFLY))
async def test_a_process_killed_at_a_point_loses_and_doubles_nothing(
    fleet: Fleet,
    watch: Watch,
    faults: FaultRecord,
    settle: Settle,
    random: Random,
    load_seed: int,
    point: str,
) -> None:
    """`kill -9` at the worst moments: what is committed stays, what is not happens once.

    Trades go on for longer than a worker needs to join its group again, or all that waits for it
    would be a batch or two.
    """
    async with Load(fleet, load_seed, trades=900) as load:
        victim = await arm(fleet, point, "", random)
        await victim.wait_killed(HIT_WITHIN_S)
        fault = faults.hit("SIGKILL", f"{victim.kind} at {point}")
        fleet.forget(victim)
        fleet.spawn(victim.kind)
        bar = bar_of(victim.kind)
        fault.took("back", await watch.moves(victim.kind, bar + 10), bar)
        await load.finish()
    await settle(fault)


@pytest.mark.parametrize("point", cases(UNDER_LOAD, FROZEN_BRIEFLY))
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
    async with Load(fleet, load_seed, trades=900, rate=45) as load:
        victim = await arm(fleet, point, ":stop", random)
        kind = victim.kind
        await victim.wait_frozen(HIT_WITHIN_S)
        fault = faults.hit("SIGSTOP", f"{kind} at {point}")
        fault.took("others commit", await watch.moves("head", 15), OTHERS_COMMIT_WITHIN_S)
        fleet.forget(victim)
        if kind not in SERVICES:
            await fleet.start_member(kind, 2)
            bar = bar_of(kind)
            fault.took("replaced", await watch.moves(kind, bar + 10), bar)
        if kind not in {"projector", "bookkeeper", "checkpointer"}:  # no answer waits for these
            fault.took("120 more answers", await load.more(120), REPLACED_WITHIN_S)
        victim.send(signal.SIGCONT)
        await load.finish()
    await settle(fault)
