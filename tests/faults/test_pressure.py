"""No room, no handles, no lock, no rest: what is scarce holds things up and loses nothing."""

import asyncio
import resource
import time
from collections.abc import AsyncIterator

import asyncpg
import psutil
import pytest
from tests.faults.conftest import Settle
from tests.faults.fleet import Fleet, until
from tests.faults.load import Load
from tests.faults.record import FaultRecord
from tests.faults.small_disk import small_disk
from tests.faults.test_commands_twice import answers_of, created, have_merchant
from tests.faults.watch import Watch
from tests.integration.wire import Wire, command

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]

POSTGRES_BACK_WITHIN_S = 5.0
BACK_WITHIN_S = 10.0
LOCKED_S = 15
FULL_S = 6
OUT_OF_HANDLES_S = 6
HOT_COMMANDS = 3_000
P99_MS = 3_000


@pytest.fixture
async def wire(fleet: Fleet) -> AsyncIterator[Wire]:
    """Raw records to any partition, and every answer."""
    async with Wire(fleet.engine) as connected:
        yield connected


async def waiting_letters(fleet: Fleet) -> int:
    """How many records were set aside so far."""
    [row] = await fleet.engine.fetch("SELECT count(*) FROM danbao.dead_letters")
    count: int = row[0]
    return count


@pytest.mark.brief
async def test_a_table_that_an_administrator_locks_is_waited_for(
    fleet: Fleet,
    watch: Watch,
    faults: FaultRecord,
    settle: Settle,
    load_seed: int,
) -> None:
    """Longer than every time-out and all attempts of a batch: no command is to blame for that."""
    async with Load(fleet, load_seed, trades=1200) as load:
        before = await waiting_letters(fleet)
        database = await asyncpg.connect(fleet.settings.postgres_dsn)  # no time-outs, as psql
        try:
            await database.execute("BEGIN; LOCK TABLE danbao.guarded_balances IN EXCLUSIVE MODE")
            fault = faults.hit("table locked", f"guarded_balances for {LOCKED_S} s")
            await asyncio.sleep(LOCKED_S)  # the fault itself
        finally:
            await database.close()
        fault.took("first commit", await watch.moves("head", 30), POSTGRES_BACK_WITHIN_S)
        await load.finish()
        assert await waiting_letters(fleet) == before, "a record was blamed for a lock"
    await settle(fault)


async def test_a_disk_that_is_full_is_waited_out(
    fleet: Fleet, watch: Watch, faults: FaultRecord, settle: Settle, load_seed: int
) -> None:
    """Postgres refuses, or dies of it; nothing that was answered is lost once there is room."""
    async with small_disk(fleet) as disk:
        await watch.moves("relay", 30, 0)
        before = await waiting_letters(fleet)
        async with Load(fleet, load_seed, trades=600, rate=40) as load:
            size = await asyncio.to_thread(disk.fill)
            position = await watch.read("head")
            await asyncio.sleep(FULL_S)  # the fault itself
            said = (fleet.home / "postgres" / "server.log").read_text(errors="replace")
            assert "No space left on device" in said, "the disk was not full enough"
            died = "postgres" not in {server.name for server in fleet.servers.processes}
            how = "it died" if died else f"it refused, head at {position}"
            fault = faults.hit("disk full", f"Postgres, filled with {size >> 20} MiB: {how}")
            disk.free()
            await fleet.servers.start()
            fault.took("first commit", await watch.moves("head", 40), BACK_WITHIN_S)
            await load.finish()
        assert await waiting_letters(fleet) == before, "a record was blamed for a full disk"
        await settle(fault)


async def test_a_worker_without_file_handles_comes_back_when_it_has_some(
    fleet: Fleet, watch: Watch, faults: FaultRecord, settle: Settle, load_seed: int
) -> None:
    """It can connect to nobody; it waits or ends with a reason, and nothing is lost."""
    async with Load(fleet, load_seed, trades=700) as load:
        member = fleet.members["escrow-0"]
        process = psutil.Process(member.process.pid)
        before = process.rlimit(resource.RLIMIT_NOFILE)
        process.rlimit(resource.RLIMIT_NOFILE, (3, before[1]))
        async with fleet.engine.database() as database:
            await database.execute("RESET ROLE")
            ended = await database.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name LIKE 'danbao escrow%'"
            )
        assert ended, "escrow has a connection"
        await until(lambda: "Too many open files" in member.words, 20, "it runs out of handles")
        fault = faults.hit("no file handles", f"escrow, for {OUT_OF_HANDLES_S} s")
        await asyncio.sleep(OUT_OF_HANDLES_S)  # the fault itself
        if member.lives:
            process.rlimit(resource.RLIMIT_NOFILE, before)
        else:
            fleet.forget(member)
            fleet.spawn("escrow")
        fault.took("back", await watch.moves("escrow", 30), BACK_WITHIN_S)
        await load.finish()
    await settle(fault)


async def test_one_hot_trade_and_one_hot_merchant_hold_no_other_flow_up(
    fleet: Fleet, wire: Wire, faults: FaultRecord, settle: Settle, load_seed: int
) -> None:
    """Thousands of commands about one trade, each answered once, while others are served."""
    seller, trade = f"M{load_seed}", f"T{load_seed}-hot"
    await have_merchant(wire, seller)
    await wire.send(created(trade, seller), 0)
    kinds = ("freeze", "unfreeze")
    raws = [
        command(
            f"hot {load_seed} {number}",
            f"escrow.{kinds[number % 2]}_trade.v1",
            trade,
            trade_id=trade,
            reason="hot",
        )
        for number in range(HOT_COMMANDS)
    ]
    async with Load(fleet, load_seed + 1, trades=500) as load:
        begun = time.monotonic()
        await wire.send_all([(raw, 0) for raw in raws])
        fault = faults.hit("hot trade", f"{HOT_COMMANDS} commands about one trade")
        assert set(await wire.codes(raws)) == {""}
        fault.took("all answered", time.monotonic() - begun, 60)
        summary = await load.finish()
        fault.took("p99 of others", summary.latency.p99_ms / 1000, P99_MS / 1000)
    await settle(fault)
    assert await answers_of(fleet, raws) == {raw.command_id: 1 for raw in raws}
