"""Two versions side by side on the same servers, under load: nothing is lost or refused."""

import asyncio
import io
import shutil
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.faults.fleet import Fleet
from tests.faults.load import Load
from tests.integration.running_engine import environment, remove_data

from danbao.app import SERVICES
from danbao.kernel.settings import Settings

ROOT = Path(__file__).parents[2]
OLDER = "4e60bbd"
"""A commit whose tables, states and read models were older: three migrations ago."""
MOVING = (*SERVICES, "relay", "scheduler", "projector", "bookkeeper")
TRADES = 1_200
RATE = 20.0

pytestmark = pytest.mark.servers


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """The older commit's `services`, to be imported in place of today's."""
    done = subprocess.run(
        ["git", "-C", str(ROOT), "archive", OLDER, "services"],
        capture_output=True,
        check=False,
        timeout=60,
    )
    if done.returncode:
        pytest.skip(f"the history of this checkout does not reach back to {OLDER}")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as packed:
        packed.extractall(tmp_path, filter="data")
    return tmp_path / "services"


@pytest.fixture
def raised(tmp_path: Path) -> Path:
    """Today's code, but every state folds by a later version, as after a change of a fold."""
    services = tmp_path / "next"
    shutil.copytree(ROOT / "services", services, ignore=shutil.ignore_patterns("__pycache__"))
    decider = services / "danbao" / "contracts" / "decider.py"
    text = decider.read_text(encoding="utf-8")
    assert "fold_version: int = 1" in text
    changed = text.replace("fold_version: int = 1", "fold_version: int = 2")
    decider.write_text(changed, encoding="utf-8")
    return services


@pytest.fixture
async def older(tmp_path: Path, exported: Path) -> AsyncIterator[Fleet]:
    """An engine of the older commit, as its operator left it: its tables, its processes."""
    fleet = Fleet(tmp_path / "home")
    try:
        await fleet.servers.start()
        addresses = fleet.servers.addresses
        fleet.settings = replace(
            Settings(),
            home=fleet.home,
            postgres_dsn=addresses.postgres_dsn,
            kafka_bootstrap=addresses.kafka_bootstrap,
        )
        await asyncio.to_thread(set_up_by, exported, fleet.settings)
        for kind in MOVING:
            fleet.spawn(kind, code=str(exported))
        for member in fleet.members.values():
            await member.wait_started()
        fleet._record()
        yield fleet
    finally:
        await fleet.stop()
        remove_data(fleet.home)


def set_up_by(code: Path, settings: Settings) -> None:
    """Let another version of the code make its tables and topics."""
    program = (
        "import asyncio; from danbao.engine.engine import set_up;"
        "from danbao.kernel.settings import Settings;"
        "asyncio.run(set_up(Settings.from_environment(), print))"
    )
    more = {
        "PYTHONPATH": str(code),
        "DANBAO_POSTGRES_DSN": settings.postgres_dsn,
        "DANBAO_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
    }
    subprocess.run(
        [sys.executable, "-c", program],
        env=environment(settings.home, more),
        check=True,
        capture_output=True,
        timeout=60,
    )


async def fold_versions(fleet: Fleet) -> set[int]:
    """By which fold versions states were written."""
    rows = await fleet.engine.fetch("SELECT DISTINCT fold_version FROM danbao.stream_states")
    return {row["fold_version"] for row in rows}


async def migrate(fleet: Fleet, phase: str) -> None:
    """What an operator types before and after the processes are replaced."""
    done = await asyncio.to_thread(fleet.engine.cli, "migrate", "--phase", phase)
    assert done.returncode == 0, done.stderr


async def start(fleet: Fleet, kinds: Iterable[str], worker: int, **settings: str) -> None:
    """Start one more of each kind, and wait until all work."""
    for member in [fleet.spawn(kind, worker, **settings) for kind in kinds]:
        await member.wait_ready()


async def end(fleet: Fleet, kinds: Iterable[str], worker: int) -> None:
    """Let one of each kind drain."""
    for kind in kinds:
        await fleet.end(f"{kind}-{worker}")


async def test_versions_change_under_load_without_a_stop_or_an_error(
    older: Fleet, raised: Path, load_seed: int
) -> None:
    """Older and newer processes share servers, groups and streams; upstream notices nothing."""
    fleet = older
    async with Load(fleet, load_seed, trades=TRADES, rate=RATE) as load:
        await load.more(20)
        await migrate(fleet, "pre")
        await start(fleet, MOVING, 1)
        await load.more(100)  # by both
        await end(fleet, MOVING, 0)
        await migrate(fleet, "post")
        await load.more(50)  # by today's alone

        await start(fleet, SERVICES, 2, code=str(raised))
        await load.more(100)  # by both, whose states fold by other versions
        assert await fold_versions(fleet) == {1, 2}
        await end(fleet, SERVICES, 1)
        await load.finish()

    assert await fleet.engine.audit() == []
    letters = await fleet.engine.fetch("SELECT reason, detail FROM danbao.dead_letters")
    assert letters == []
