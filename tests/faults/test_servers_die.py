"""Postgres and Kafka killed, restarted, frozen and cut off while trades go through."""

import asyncio
import signal
import time
from contextlib import suppress
from random import Random

import asyncpg
import pytest
from tests.faults.conftest import Settle
from tests.faults.fleet import Fleet
from tests.faults.load import Load
from tests.faults.record import FaultRecord
from tests.faults.supervised import supervised
from tests.faults.watch import Watch

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]

POSTGRES_BACK_WITHIN_S = 5.0
KAFKA_BACK_WITHIN_S = 30.0
FROZEN_S = (15, 60)
"""In the selection, and in the whole suite."""
RESTARTS = {"postgres": 20, "kafka": 20}
CONNECTIONS_MAX = 200
HOW = [pytest.param("SIGKILL", marks=pytest.mark.brief), "restart"]


async def take_all_connections(dsn: str, hogs: list[asyncpg.Connection]) -> None:
    """Connect until Postgres refuses."""
    with suppress(asyncpg.TooManyConnectionsError):
        while len(hogs) < CONNECTIONS_MAX:
            hogs.append(await asyncpg.connect(dsn))
        pytest.fail(f"{len(hogs)} connections and no refusal")


@pytest.mark.parametrize("how", HOW)
async def test_postgres_that_dies_under_load_loses_nothing(
    fleet: Fleet,
    watch: Watch,
    faults: FaultRecord,
    settle: Settle,
    random: Random,
    load_seed: int,
    how: str,
) -> None:
    """What was committed is there; what was not happens after Postgres is back."""
    async with supervised(fleet), Load(fleet, load_seed, trades=500) as load:
        await load.more(random.randint(1, 200))
        before = fleet.server_pid("postgres")
        if how == "SIGKILL":
            fleet.servers.kill("postgres")
            await fleet.servers.start()
        else:
            await fleet.servers.restart_postgres()
        assert fleet.server_pid("postgres") != before
        fault = faults.hit(how, "Postgres under load")
        fault.took("first commit", await watch.moves("head", 30), POSTGRES_BACK_WITHIN_S)
        await load.finish()
    await settle(fault)


@pytest.mark.parametrize("how", HOW)
async def test_the_broker_that_dies_under_load_loses_nothing(
    fleet: Fleet,
    watch: Watch,
    faults: FaultRecord,
    settle: Settle,
    random: Random,
    load_seed: int,
    how: str,
) -> None:
    """Services read on by themselves once it is back, and the relay finds out what it holds."""
    async with supervised(fleet), Load(fleet, load_seed, trades=500) as load:
        await load.more(random.randint(1, 200))
        before = fleet.server_pid("kafka")
        if how == "SIGKILL":
            fleet.servers.kill("kafka")
            await fleet.servers.start()
        else:
            await fleet.servers.restart_kafka()
        assert fleet.server_pid("kafka") != before
        fault = faults.hit(how, "Kafka under load")
        fault.took("commands read", await watch.moves("escrow", 60), KAFKA_BACK_WITHIN_S)
        fault.took("published", await watch.moves("relay", 60), KAFKA_BACK_WITHIN_S)
        await load.finish()
    await settle(fault)


@pytest.mark.parametrize("server", RESTARTS)
async def test_a_server_that_restarts_again_and_again_is_found_again_each_time(
    fleet: Fleet,
    watch: Watch,
    faults: FaultRecord,
    settle: Settle,
    load_seed: int,
    server: str,
) -> None:
    """Stale connections and stale metadata pile up if anybody keeps them."""
    bar = POSTGRES_BACK_WITHIN_S if server == "postgres" else KAFKA_BACK_WITHIN_S
    kinds = ("head",) if server == "postgres" else ("escrow", "relay")
    trades = RESTARTS[server] * (40 if server == "postgres" else 150)
    async with (
        supervised(fleet),
        Load(fleet, load_seed, trades=trades, rate=10, patience_s=120) as load,
    ):
        fault = faults.hit(f"{RESTARTS[server]} restarts", server)
        longest, pids = 0.0, {fleet.server_pid(server)}
        for _ in range(RESTARTS[server]):
            await load.more(3, 60)
            await getattr(fleet.servers, f"restart_{server}")()
            pids.add(fleet.server_pid(server))
            for kind in kinds:
                longest = max(longest, await watch.moves(kind, 60))
        assert len(pids) > RESTARTS[server]
        fault.took("longest until back", longest, bar)
        await load.finish()
    await settle(fault)


@pytest.mark.parametrize(
    "frozen_s", [pytest.param(FROZEN_S[0], marks=pytest.mark.brief), FROZEN_S[1]]
)
@pytest.mark.parametrize("server", ["postgres", "kafka"])
async def test_a_server_that_is_frozen_for_a_while_holds_things_up_and_no_more(
    fleet: Fleet,
    watch: Watch,
    faults: FaultRecord,
    settle: Settle,
    load_seed: int,
    server: str,
    frozen_s: int,
) -> None:
    """Longer than every time-out of ours: connections are given up and made anew.

    A client of Kafka that does not come back by itself is ended by the watch of its process, which
    a supervisor starts anew: seen once in three runs with a broker frozen for 15 s.
    """
    bar = POSTGRES_BACK_WITHIN_S if server == "postgres" else KAFKA_BACK_WITHIN_S
    trades = 20 * (frozen_s + 5)
    async with (
        supervised(fleet) as restarted,
        Load(fleet, load_seed, trades=trades, rate=20, patience_s=150) as load,
    ):
        await load.more(20)
        fleet.signal_server(server, signal.SIGSTOP)
        fault = faults.hit("SIGSTOP", f"{server} for {frozen_s} s")
        try:
            await asyncio.sleep(frozen_s)  # the fault itself
        finally:
            fleet.signal_server(server, signal.SIGCONT)
        fault.took("first commit", await watch.moves("head", 60), bar)
        fault.took("published", await watch.moves("relay", 60), KAFKA_BACK_WITHIN_S)
        await load.finish()
        assert all(member.lives for member in fleet.members.values())
        if restarted:
            fault.where += f", started anew: {', '.join(restarted)}"
    await settle(fault)


async def test_every_connection_to_postgres_ended_again_and_again_does_no_harm(
    fleet: Fleet, watch: Watch, faults: FaultRecord, settle: Settle, load_seed: int
) -> None:
    """Administrators do this, and so do failovers."""
    ended = 0
    async with supervised(fleet), Load(fleet, load_seed, trades=900) as load:
        connection = await asyncpg.connect(fleet.settings.postgres_dsn)
        try:
            for _ in range(6):
                rows = await connection.fetch(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name LIKE 'danbao %'"
                )
                ended += len(rows)
                await load.more(10)
        finally:
            await connection.close()
        assert ended >= 6 * 6, "every service has a connection"
        fault = faults.hit("pg_terminate_backend", f"{ended} connections, 6 times")
        fault.took("first commit", await watch.moves("head", 30), POSTGRES_BACK_WITHIN_S)
        await load.finish()
    await settle(fault)


async def test_no_connection_left_for_anybody_else_is_waited_out(
    fleet: Fleet, watch: Watch, faults: FaultRecord, settle: Settle, load_seed: int
) -> None:
    """Others take all connections while a service starts: it waits until there is one."""
    hogs: list[asyncpg.Connection] = []
    async with supervised(fleet), Load(fleet, load_seed, trades=500) as load:
        await fleet.end("escrow-0")
        try:
            await take_all_connections(fleet.settings.postgres_dsn, hogs)
            fault = faults.hit("connection limit", f"{len(hogs)} idle ones, escrow restarted")
            await fleet.start_member("escrow")
            before = time.monotonic()
            await asyncio.sleep(2)  # the fault itself
        finally:
            await asyncio.gather(*(hog.close() for hog in hogs))
        assert fleet.members["escrow-0"].lives, fleet.members["escrow-0"].words
        await watch.moves("escrow", 30)
        fault.took("back", time.monotonic() - before, 15)
        await load.finish()
    await settle(fault)
