"""Workers killed and frozen while they try dead letters again."""

import asyncio
import signal
from random import Random

import pytest
from tests.faults.conftest import Settle
from tests.faults.fleet import Fleet
from tests.faults.load import Load
from tests.faults.points import OF_LETTERS, cases
from tests.faults.record import FaultRecord
from tests.faults.test_commands_twice import answers_of, created, have_merchant
from tests.faults.trap import trap
from tests.faults.watch import Watch
from tests.integration.wire import Raw, Wire

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]

PARTITIONS = 8
LETTERS = 24
HAPPENS_WITHIN_S = 40
HIT_WITHIN_S = 30
OTHERS_COMMIT_WITHIN_S = 5.0


async def set_aside(fleet: Fleet, wire: Wire, seed: int) -> list[Raw]:
    """Commands that the database refuses for now, three in each partition."""
    seller = f"M{seed}"
    await have_merchant(wire, seller)
    raws = [created(f"T{seed}-{number}", seller) for number in range(LETTERS)]
    async with trap(fleet.engine, f"trade/T{seed}-%"):
        await wire.send_all([(raw, number % PARTITIONS) for number, raw in enumerate(raws)])
        await until_letters(fleet, seed, "waiting")
    return raws


async def until_letters(fleet: Fleet, seed: int, state: str) -> None:
    """Wait until all of this test's letters are in a state."""
    counted = "SELECT count(*) FROM danbao.dead_letters WHERE partition_key LIKE $1 AND state = $2"
    async with asyncio.timeout(HAPPENS_WITHIN_S), fleet.engine.database() as database:
        while await database.fetchval(counted, f"T{seed}-%", state) < LETTERS:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def retry(fleet: Fleet) -> None:
    """Ask for another try of what the database refused, as an operator does."""
    words = ("dead-letters", "retry", "--reason", "refused_by_database", "--yes", "--wait", "0")
    asked = await asyncio.to_thread(fleet.engine.cli, *words)
    assert "Traceback" not in asked.stderr, asked.stderr


async def finish(fleet: Fleet, load: Load, raws: list[Raw], seed: int) -> None:
    """Each letter is handled once, and so is all else."""
    await until_letters(fleet, seed, "retried")
    await load.finish()
    assert await answers_of(fleet, raws) == {raw.command_id: 1 for raw in raws}


@pytest.mark.parametrize("point", cases(OF_LETTERS, ()))
async def test_a_worker_killed_while_it_tries_letters_again_handles_each_once(
    fleet: Fleet,
    faults: FaultRecord,
    settle: Settle,
    random: Random,
    load_seed: int,
    point: str,
) -> None:
    """An operator's wish outlives the worker that was about to fulfil it."""
    async with Wire(fleet.engine) as wire, Load(fleet, load_seed + 1, trades=300) as load:
        raws = await set_aside(fleet, wire, load_seed)
        victim = await fleet.renew("escrow-0", crash_at=f"{point}:{random.randint(1, 3)}")
        await retry(fleet)
        await victim.wait_killed(HIT_WITHIN_S)
        fault = faults.hit("SIGKILL", f"escrow at {point}")
        fleet.forget(victim)
        await fleet.start_member("escrow")
        await finish(fleet, load, raws, load_seed)
    await settle(fault)


@pytest.mark.parametrize("point", cases(OF_LETTERS, ()))
async def test_a_worker_frozen_while_it_tries_letters_again_holds_nobody_up(
    fleet: Fleet,
    watch: Watch,
    faults: FaultRecord,
    settle: Settle,
    load_seed: int,
    point: str,
) -> None:
    """It holds letters and offsets; Postgres takes them from it, and another worker goes on."""
    async with Wire(fleet.engine) as wire:
        raws = await set_aside(fleet, wire, load_seed)
        async with Load(fleet, load_seed + 1, trades=800, rate=30) as load:
            victim = await fleet.start_member("escrow", 1, crash_at=f"{point}:1:stop")
            await victim.wait_ready()
            await retry(fleet)
            await victim.wait_frozen(HIT_WITHIN_S)
            fault = faults.hit("SIGSTOP", f"escrow at {point}")
            fault.took("others commit", await watch.moves("head", 15), OTHERS_COMMIT_WITHIN_S)
            fleet.forget(victim)
            await until_letters(fleet, load_seed, "retried")
            victim.send(signal.SIGCONT)
            await finish(fleet, load, raws, load_seed)
    await settle(fault)
