"""Bugs that are planted on purpose: suite and auditor find each, or they find nothing."""

import asyncio
import signal
from collections.abc import Iterator
from random import Random

import pytest
from tests.audit.report import Violation
from tests.faults.fleet import Fleet, Member, until
from tests.faults.load import Load
from tests.faults.record import FaultRecord
from tests.faults.test_commands_twice import created, have_merchant
from tests.faults.watch import Watch
from tests.integration.wire import Wire

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]

FREEZES_WITHIN_S = 30
OTHERS_COMMIT_WITHIN_S = 5.0
FREED_NEVER_S = 12.0


@pytest.fixture
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A fleet for one bug: its log is spoilt afterwards."""
    fleet = Fleet(tmp_path_factory.mktemp("planted") / "home")
    try:
        asyncio.run(fleet.start())
        yield fleet
    finally:
        asyncio.run(fleet.stop())


@pytest.fixture(autouse=True)
def _mended() -> None:
    """Nothing goes on in a fleet whose log is spoilt."""


async def plant(fleet: Fleet, kind: str, worker: int, bug: str, **settings: str) -> Member:
    """Start a process with a bug."""
    member = await fleet.start_member(kind, worker, planted=bug, **settings)
    assert f"planted: {bug}" in member.words
    return member


async def found(fleet: Fleet) -> set[str]:
    """The checks of the auditor that speak."""
    violations: list[Violation] = await fleet.engine.audit()
    return {violation.check for violation in violations}


async def test_an_offset_that_is_not_fenced_is_found(
    fleet: Fleet, watch: Watch, faults: FaultRecord, load_seed: int
) -> None:
    """A worker that slept through the loss of its partitions records credits a second time."""
    await fleet.end("settlement-0")
    await plant(fleet, "settlement", 0, "offset_not_fenced", falls_asleep="1")
    async with Load(fleet, load_seed, trades=300, rate=45) as load:
        zombie = fleet.members["settlement-0"]
        await zombie.wait_frozen(FREEZES_WITHIN_S)
        fault = faults.hit("planted", "offset not fenced, settlement frozen with credits to record")
        fleet.forget(zombie)
        await plant(fleet, "settlement", 1, "offset_not_fenced")
        await watch.moves("settlement", 20, 20)
        zombie.send(signal.SIGCONT)
        with pytest.raises(AssertionError):
            await load.finish()
    await fleet.bury()
    assert found_double(await found(fleet))
    fault.verdict = "found by the load and the auditor"


def found_double(checks: set[str]) -> bool:
    """Whether a credit that was recorded twice is among what was found."""
    return "cause.once" in checks and any(check.startswith("settlement.") for check in checks)


async def test_a_head_row_held_by_a_frozen_client_is_found(
    fleet: Fleet, watch: Watch, faults: FaultRecord, random: Random, load_seed: int
) -> None:
    """Without the time-outs of Postgres one sleeping worker stops everybody."""
    async with Load(fleet, load_seed, trades=300, rate=45):
        plan = f"worker.after_append:{random.randint(1, 3)}:stop"
        victim = await plant(fleet, "escrow", 1, "head_held", crash_at=plan)
        await victim.wait_frozen(FREEZES_WITHIN_S)
        fault = faults.hit("planted", "head row held by a frozen client, no time-outs")
        with pytest.raises(AssertionError, match="head has not moved"):
            await watch.moves("head", FREED_NEVER_S)
        victim.send(signal.SIGKILL)
        await victim.wait_killed(5)
        fault.took("others commit", await watch.moves("head", 15), OTHERS_COMMIT_WITHIN_S)
    fault.verdict = "found by the suite"


async def test_an_inbox_that_is_not_written_is_found(
    fleet: Fleet, faults: FaultRecord, load_seed: int
) -> None:
    """A command that comes again would be decided again."""
    seller = f"M{load_seed}"
    async with Wire(fleet.engine) as wire:
        await have_merchant(wire, seller)
        await fleet.end("escrow-0")
        await plant(fleet, "escrow", 0, "inbox_left_out")
        fault = faults.hit("planted", "inbox insert left out")
        raws = [created(f"T{load_seed}-{number}", seller) for number in range(20)]
        await wire.send_all([(raw, number % 8) for number, raw in enumerate(raws)])
        await wire.codes(raws)
        await wire.send_all([(raw, number % 8) for number, raw in enumerate(raws)])
        await until(
            lambda: {len(wire.answers[raw.command_id]) for raw in raws} == {2}, 20, "answers twice"
        )
    assert {"cause.known", "answers.block"} & await found(fleet)
    fault.verdict = "found by the auditor"
