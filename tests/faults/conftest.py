"""Fixtures of the fault suite: a fleet for each file, a seed for each run, a table at its end."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from random import Random
from zlib import crc32

import pytest
from tests.faults.fleet import Fleet
from tests.faults.record import Fault, FaultRecord
from tests.faults.watch import Watch

EVENTS_MAX = 50_000
RECORD = pytest.StashKey[FaultRecord]()


def pytest_configure(config: pytest.Config) -> None:
    """`DANBAO_FAULT_SEED` decides every moment; without it each run has another."""
    seed = int(os.environ.get("DANBAO_FAULT_SEED") or Random().randrange(10_000))
    config.stash[RECORD] = FaultRecord(seed)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what hit where."""
    record = terminalreporter.config.stash.get(RECORD, None)
    if record is not None and record.faults:
        terminalreporter.write_line(record.show())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that failed shows what the processes have to say."""
    report = yield
    fleet = getattr(item, "funcargs", {}).get("fleet")
    if report.failed and report.when == "call" and fleet is not None:
        report.sections.append(("what the processes say", fleet.complaints()))
    return report


@pytest.fixture(scope="session")
def faults(pytestconfig: pytest.Config) -> FaultRecord:
    """Where faults are noted."""
    return pytestconfig.stash[RECORD]


class Harbour:
    """One fleet for file after file, until its log is so long that auditing it takes its time."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self._fleet: Fleet | None = None

    async def fleet(self) -> Fleet:
        """Give the fleet that is there, or a new one."""
        if self._fleet is not None and await self._fleet.engine.position() > EVENTS_MAX:
            await self.close()
        if self._fleet is None:
            self._fleet = Fleet(self._folders.mktemp("fleet") / "home")
            await self._fleet.start()
        return self._fleet

    async def close(self) -> None:
        """Stop what is there."""
        if self._fleet is not None:
            await self._fleet.stop()
        self._fleet = None


@pytest.fixture(scope="session")
def harbour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harbour]:
    """Where fleets lie; empty again at the end."""
    made = Harbour(tmp_path_factory)
    try:
        yield made
    finally:
        asyncio.run(made.close())


@pytest.fixture(scope="module")
def fleet(harbour: Harbour) -> Fleet:
    """All processes of an engine; what a test kills it also brings back."""
    return asyncio.run(harbour.fleet())


@pytest.fixture
def random(faults: FaultRecord, request: pytest.FixtureRequest) -> Random:
    """Draws the moments of one fault: the same for the same seed."""
    return Random(f"{faults.seed}/{request.node.name}")


@pytest.fixture
def load_seed(faults: FaultRecord, request: pytest.FixtureRequest) -> int:
    """A name for this test's trades, accounts and command ids."""
    return faults.seed * 10_000_000 + crc32(request.node.nodeid.encode()) % 10_000_000


@pytest.fixture
async def watch(fleet: Fleet) -> AsyncIterator[Watch]:
    """Looks at progress through Postgres."""
    async with Watch(fleet) as watching:
        yield watching


@pytest.fixture(autouse=True)
async def _mended(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """The next test of a fleet finds one process of each kind, whatever became of this one."""
    yield
    if "fleet" in request.fixturenames:
        await request.getfixturevalue("fleet").mend()


async def assert_no_offset_fell(fleet: Fleet) -> None:
    """What was read once is read: a stored offset only rises (I9)."""
    rows = await fleet.engine.fetch(
        "SELECT concat_ws(' ', service, topic, partition), next_offset FROM danbao.consumer_offsets"
    )
    before, fleet.offsets = fleet.offsets, {row[0]: row[1] for row in rows}
    assert before.keys() <= fleet.offsets.keys()
    fell = [name for name, offset in before.items() if fleet.offsets[name] < offset]
    assert fell == []


Settle = Callable[[Fault], Awaitable[None]]


@pytest.fixture
def settle(fleet: Fleet) -> Settle:
    """End zombies, wait until nothing is in flight, and hold everything against the auditor."""

    async def check(fault: Fault) -> None:
        await fleet.bury()
        found = await fleet.engine.audit()
        assert found == [], found
        await assert_no_offset_fell(fleet)
        fault.verdict = "clean"

    return check
