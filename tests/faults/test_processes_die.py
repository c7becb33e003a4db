"""Processes that are killed, asked to stop, frozen and multiplied while trades go through."""

import asyncio
import signal
import time
from random import Random

import pytest
from tests.faults.conftest import Settle
from tests.faults.fleet import Fleet
from tests.faults.load import Load
from tests.faults.record import FaultRecord
from tests.faults.watch import QUIET, Watch

from danbao.app import PROCESSES, SERVICES

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]

BACK_WITHIN_S = 10.0
STOP_WITHIN_S = 5.0
RELAY_WITHIN_S = 10.0
STALL_MAX_S = 15.0
STORM_S = 60


@pytest.mark.parametrize("kind", PROCESSES)
async def test_a_killed_process_is_back_at_work_within_ten_seconds(
    fleet: Fleet,
    watch: Watch,
    faults: FaultRecord,
    settle: Settle,
    random: Random,
    load_seed: int,
    kind: str,
) -> None:
    """At any moment, not just at the named points."""
    async with Load(fleet, load_seed, trades=300) as load:
        await load.more(random.randint(1, 200))
        victim = fleet.members[f"{kind}-0"]
        victim.send(signal.SIGKILL)
        await victim.wait_killed(5)
        fault = faults.hit("SIGKILL", f"{kind} under load")
        fleet.forget(victim)
        fleet.spawn(kind)
        if kind not in QUIET:
            fault.took("back", await watch.moves(kind, BACK_WITHIN_S + 10), BACK_WITHIN_S)
        await load.finish()
    async with Load(fleet, load_seed + 1, trades=16) as filled:
        await filled.finish()  # filling its accounts takes accounts and channel
    await settle(fault)


@pytest.mark.brief
async def test_sigterm_under_load_ends_every_process_within_five_seconds(
    fleet: Fleet, faults: FaultRecord, settle: Settle, load_seed: int
) -> None:
    """A rolling restart of everything: the others take over at once."""
    async with Load(fleet, load_seed, trades=2500, rate=40) as load:
        fault = faults.hit("SIGTERM", "each process in turn, under load")
        longest = 0.0
        for kind in PROCESSES:
            longest = max(longest, await fleet.end(f"{kind}-0", within_s=20))
            await fleet.start_member(kind)
            await load.more(10)
        fault.took("longest stop", longest, STOP_WITHIN_S)
        await load.finish()
    await settle(fault)


async def test_of_three_relays_one_publishes_and_the_next_takes_over(
    fleet: Fleet, watch: Watch, faults: FaultRecord, settle: Settle, load_seed: int
) -> None:
    """Two that lead would publish twice; none would stop the world."""
    async with Load(fleet, load_seed, trades=700) as load:
        await fleet.start_member("relay", 1)
        await fleet.start_member("relay", 2)
        await load.more(20)
        leader = [
            member
            for member in fleet.members.values()
            if member.kind == "relay" and "relay.leading" in member.words
        ]
        assert [member.name for member in leader] == ["relay-0"]
        leader[0].send(signal.SIGKILL)
        await leader[0].wait_killed(5)
        fault = faults.hit("SIGKILL", "the leading one of three relays")
        fleet.forget(leader[0])
        fault.took("next publishes", await watch.moves("relay", 30), RELAY_WITHIN_S)
        await load.finish()
    await fleet.start_member("relay")
    await fleet.end("relay-1")
    await fleet.end("relay-2")
    await settle(fault)


@pytest.mark.brief
async def test_a_relay_frozen_beyond_its_lease_publishes_nothing_when_it_wakes(
    fleet: Fleet, watch: Watch, faults: FaultRecord, settle: Settle, load_seed: int
) -> None:
    """A zombie that goes on would publish positions twice."""
    async with Load(fleet, load_seed, trades=900) as load:
        await fleet.start_member("relay", 1)
        zombie = fleet.members["relay-0"]
        zombie.send(signal.SIGSTOP)
        await zombie.wait_frozen(5)
        fault = faults.hit("SIGSTOP", "the leading relay, beyond its lease")
        fault.took("next publishes", await watch.moves("relay", 30), RELAY_WITHIN_S)
        zombie.send(signal.SIGCONT)
        await load.more(200)
        await load.finish()
    await fleet.end("relay-1")
    await settle(fault)


async def test_workers_that_come_and_go_every_three_seconds_do_not_stop_the_work(
    fleet: Fleet,
    faults: FaultRecord,
    settle: Settle,
    random: Random,
    load_seed: int,
) -> None:
    """Every join and leave makes all members of a group stop and start (eager rebalance)."""
    async with Load(fleet, load_seed, trades=2600, rate=30) as load:
        fault = faults.hit("rebalance storm", f"escrow and authorization, for {STORM_S} s")
        begun, longest, count = time.monotonic(), 0.0, 0
        while time.monotonic() - begun < STORM_S:
            kind = random.choice(["escrow", "authorization"])
            name = f"{kind}-1"
            if name in fleet.members:
                hard = random.random() < 0.3
                await fleet.end(name, signal.SIGKILL if hard else signal.SIGTERM, 10)
            else:
                fleet.spawn(kind, 1)
            count += 1
            moved = asyncio.create_task(load.more(5, STALL_MAX_S + 10))
            await asyncio.sleep(3)
            longest = max(longest, await moved)
        assert count >= STORM_S / 10, "the storm was a breeze"
        fault.took("longest stall", longest, STALL_MAX_S)
        await load.finish()
    for name in ("escrow-1", "authorization-1"):
        if name in fleet.members:
            await fleet.end(name)
    await settle(fault)


async def test_services_scaled_up_to_four_and_down_again_under_load_go_on(
    fleet: Fleet, faults: FaultRecord, settle: Settle, load_seed: int
) -> None:
    """An operator follows the lag with the number of workers."""
    async with Load(fleet, load_seed, trades=2600, rate=30) as load:
        fault = faults.hit("scale 1, 4, 1", "every service")
        longest = 0.0
        for worker in (1, 2, 3):
            for kind in SERVICES:
                fleet.spawn(kind, worker)
            longest = max(longest, await load.more(20))
        for worker in (3, 2, 1):
            for kind in SERVICES:
                member = fleet.members[f"{kind}-{worker}"]
                await member.wait_started()
                await fleet.end(member.name)
            longest = max(longest, await load.more(20))
        fault.took("longest stall", longest, STALL_MAX_S)
        await load.finish()
    await settle(fault)
