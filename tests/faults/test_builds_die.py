"""Projectors killed and frozen while they build a later version of a read model."""

import asyncio
import signal
from collections.abc import Iterator
from itertools import count

import pytest
from tests.faults.conftest import Settle
from tests.faults.fleet import Fleet, Member
from tests.faults.load import Load
from tests.faults.points import OF_BUILDS, cases
from tests.faults.record import FaultRecord
from tests.faults.watch import Watch

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]

HIT_WITHIN_S = 40
OTHERS_COMMIT_WITHIN_S = 5.0
LIVE_WITHIN_S = 60
VERSIONS = count(2)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A fleet of its own: no other test has code of these versions."""
    fleet = Fleet(tmp_path_factory.mktemp("builds") / "home")
    try:
        asyncio.run(fleet.start())
        yield fleet
    finally:
        asyncio.run(fleet.stop())


@pytest.fixture(autouse=True)
def _mended() -> None:
    """Each test of this file replaces the projector itself."""


async def deploy(fleet: Fleet, version: int, worker: int, **settings: str) -> Member:
    """Replace every projector by one with a later version of a read model."""
    for name in [name for name, member in fleet.members.items() if member.kind == "projector"]:
        await fleet.end(name)
    planted = {"planted": "newer_model", "model_version": str(version)}
    return await fleet.start_member("projector", worker, **planted, **settings)


async def until_live(fleet: Fleet, version: int) -> None:
    """Return when the later version answers."""
    asked = (
        "SELECT count(*) FROM danbao.projections"
        " WHERE name = 'trades' AND version = $1 AND state = 'live'"
    )
    async with asyncio.timeout(LIVE_WITHIN_S), fleet.engine.database() as database:
        while not await database.fetchval(asked, version):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("point", cases(OF_BUILDS, ()))
async def test_a_projector_killed_in_a_build_goes_on_with_it(
    fleet: Fleet, faults: FaultRecord, settle: Settle, load_seed: int, point: str
) -> None:
    """Readers have the live version until the later one is whole."""
    version = next(VERSIONS)
    async with Load(fleet, load_seed, trades=200) as load:
        victim = await deploy(fleet, version, 0, crash_at=f"{point}:1")
        await victim.wait_killed(HIT_WITHIN_S)
        fault = faults.hit("SIGKILL", f"projector at {point}")
        fleet.forget(victim)
        await deploy(fleet, version, 0)
        await until_live(fleet, version)
        await load.finish()
    await settle(fault)


@pytest.mark.parametrize("point", cases(OF_BUILDS, ()))
async def test_a_projector_frozen_in_a_build_is_replaced(
    fleet: Fleet, watch: Watch, faults: FaultRecord, settle: Settle, load_seed: int, point: str
) -> None:
    """What it holds is taken from it; when it wakes it has no say."""
    version = next(VERSIONS)
    async with Load(fleet, load_seed, trades=400, rate=40) as load:
        victim = await deploy(fleet, version, 0, crash_at=f"{point}:1:stop")
        await victim.wait_frozen(HIT_WITHIN_S)
        fault = faults.hit("SIGSTOP", f"projector at {point}")
        fault.took("others commit", await watch.moves("head", 15), OTHERS_COMMIT_WITHIN_S)
        fleet.forget(victim)
        await deploy(fleet, version, 2)
        await until_live(fleet, version)
        victim.send(signal.SIGCONT)
        await load.finish()
    await settle(fault)
