"""Others hold locks, break transactions or leave them open: nothing is lost, none set aside.

What is not a command's fault must never make a dead letter of it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from tests.faults.conftest import Settle
from tests.faults.fleet import Fleet, NotHitError, until
from tests.faults.load import Load
from tests.faults.record import FaultRecord
from tests.faults.supervised import supervised
from tests.faults.watch import Watch

from danbao.app import SERVICES
from danbao.kernel.kafka.clients import make_producer
from danbao.kernel.topics import events_topic

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]

BACK_WITHIN_S = 5.0
READERS_WITHIN_S = 10.0
HELD_S = 50
"""Longer than it takes to halve a batch of five down to one record, and to give that one up."""
DEADLOCKS = 3
TOLD_WITHIN_S = 40.0
FOREIGN_TIMEOUT_MS = 60_000
MARK = "a transaction that nobody ends"

LOCK_HEAD = "SELECT position FROM danbao.log_heads WHERE shard = 0 FOR UPDATE"
LOCK_OFFSETS = "SELECT next_offset FROM danbao.consumer_offsets WHERE service = $1 FOR UPDATE"
WAITS = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'danbao escrow'"
    " AND wait_event IN ('transactionid', 'tuple')"
)
BREAK_SOME = """
CREATE SEQUENCE danbao.fault_count;
CREATE FUNCTION danbao.fault_break() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF nextval('danbao.fault_count') % 3 = 0 THEN
        RAISE EXCEPTION 'forced' USING ERRCODE = '40001';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER fault_break AFTER INSERT ON danbao.event_log
FOR EACH STATEMENT EXECUTE FUNCTION danbao.fault_break();
"""
BREAK_NONE = """
DROP TRIGGER IF EXISTS fault_break ON danbao.event_log;
DROP FUNCTION IF EXISTS danbao.fault_break;
DROP SEQUENCE IF EXISTS danbao.fault_count;
"""


@asynccontextmanager
async def owner(fleet: Fleet) -> AsyncIterator[asyncpg.Connection]:
    """A connection with every right and no time-out."""
    connection = await asyncpg.connect(fleet.settings.postgres_dsn)
    try:
        yield connection
    finally:
        await connection.close()


def words_of(fleet: Fleet, *kinds: str) -> str:
    """What these have said since their start."""
    return "".join(fleet.members[f"{kind}-0"].words for kind in kinds)


async def test_a_lock_that_somebody_holds_sets_nothing_aside(
    fleet: Fleet, watch: Watch, faults: FaultRecord, settle: Settle, load_seed: int
) -> None:
    """A maintenance session forgot to commit: all wait, and go on where they were."""
    kinds = ("escrow", "accounts", "authorization")
    for kind in kinds:
        await fleet.renew(f"{kind}-0", batch_records_max="5")
    async with (
        supervised(fleet),
        Load(fleet, load_seed, trades=500, rate=7, patience_s=120) as load,
    ):
        async with owner(fleet) as connection, connection.transaction():
            await connection.fetch(LOCK_HEAD)
            await asyncio.sleep(HELD_S)  # the fault itself
        fault = faults.hit("lock held", f"the head row for {HELD_S} s")
        fault.took("first commit", await watch.moves("head", 30), BACK_WITHIN_S)
        said = words_of(fleet, *kinds)
        if "LockNotAvailable" not in said:
            raise NotHitError("nobody waited for the lock for too long")
        assert "record.set_aside" not in said
        await load.finish()
    for kind in kinds:
        await fleet.renew(f"{kind}-0")
    await settle(fault)


async def test_a_deadlock_costs_a_retry(
    fleet: Fleet, watch: Watch, faults: FaultRecord, settle: Settle, load_seed: int
) -> None:
    """A session that takes locks in another order: Postgres ends the worker's transaction."""
    async with supervised(fleet), Load(fleet, load_seed, trades=700, rate=25) as load:
        async with owner(fleet) as connection:
            await connection.execute("SET deadlock_timeout = '30s'")  # so that the other one is hit
            for _ in range(DEADLOCKS):
                await load.more(10)
                await deadlock(connection)
        hits = words_of(fleet, *SERVICES).count("DeadlockDetected")
        if hits < DEADLOCKS:
            raise NotHitError(f"{hits} deadlocks")
        fault = faults.hit("deadlock", f"{hits} batches ended by Postgres")
        fault.took("goes on", await watch.moves("escrow", 30), BACK_WITHIN_S)
        await load.finish()
    await settle(fault)


async def deadlock(connection: asyncpg.Connection) -> None:
    """Hold the head row until escrow waits for it, then want its offsets."""
    async with connection.transaction():
        await connection.fetch(LOCK_HEAD)
        async with asyncio.timeout(20):
            while not await connection.fetchval(WAITS):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await connection.fetch(LOCK_OFFSETS, "escrow")


async def test_a_serialization_failure_costs_a_retry(
    fleet: Fleet, watch: Watch, faults: FaultRecord, settle: Settle, load_seed: int
) -> None:
    """Every third statement that appends to the log fails."""
    async with Load(fleet, load_seed, trades=400, rate=30) as load, owner(fleet) as connection:
        try:
            await connection.execute(BREAK_SOME)
            await load.more(600, 60)
            count = await connection.fetchval("SELECT last_value / 3 FROM danbao.fault_count")
        finally:
            await connection.execute(BREAK_NONE)
        said = words_of(fleet, *SERVICES)
        hits = said.count("SerializationError")
        if hits < 10:
            raise NotHitError(f"{hits} failures of {count} were met")
        fault = faults.hit("40001", f"{count} statements that append")
        fault.took("goes on", await watch.moves("head", 30), BACK_WITHIN_S)
        await load.finish()
    await settle(fault)


async def test_a_transaction_that_a_foreign_producer_leaves_open_is_named_and_survived(
    fleet: Fleet, watch: Watch, faults: FaultRecord, settle: Settle, load_seed: int
) -> None:
    """Readers stand before it, a relay that starts waits for its end; both say so."""
    topic = events_topic("escrow")

    def foreign() -> object:
        return make_producer(
            fleet.settings.kafka_bootstrap,
            client_id="foreign",
            transactional_id="foreign",
            transaction_timeout_ms=FOREIGN_TIMEOUT_MS,
        )

    async with (
        supervised(fleet),
        Load(fleet, load_seed, trades=700, rate=15, patience_s=120) as load,
    ):
        hanging = foreign()
        await hanging.start()
        try:
            await hanging.begin_transaction()
            for partition in range(fleet.settings.partitions):
                await (await hanging.send(topic, MARK.encode(), partition=partition))
            fault = faults.hit("hanging transaction", f"a foreign producer's, in all of {topic}")
            reader = fleet.members["settlement-0"]
            took = await until(
                lambda: "transaction has been open" in reader.words, TOLD_WITHIN_S, "a reader tells"
            )
            fault.took("reader tells", took, TOLD_WITHIN_S)
            await fleet.end("relay-0")
            relay = fleet.spawn("relay")
            told = await until(
                lambda: '"transaction_open"' in relay.words, TOLD_WITHIN_S, "the relay tells"
            )
            fault.took("relay tells", told, TOLD_WITHIN_S)
            assert reader.lives
            said = (await asyncio.to_thread(fleet.engine.cli, "doctor")).stdout
            assert "transaction" in said
            assert topic in said
            successor = foreign()
            await successor.start()  # the same transactional id: the broker ends what was open
            await successor.stop()
        finally:
            await hanging.stop()
        fault.took("published", await watch.moves("relay", 60), READERS_WITHIN_S)
        fault.took("read", await watch.moves("settlement", 60), READERS_WITHIN_S)
        await load.finish()
    await settle(fault)
