"""What a batch costs grows neither with the tables nor with the square of its own size."""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace
from tests.conformance.conftest import REAL, Lazy
from tests.conformance.databases import PostgresDatabase
from tests.conformance.writing import COMMANDS, EVENTS, SERVICE, Writer, answer, command_id

from danbao.kernel.messages import StateChange
from danbao.kernel.postgres.connection import BY_KEY, connect
from danbao.kernel.postgres.store import PostgresStore
from danbao.kernel.sql import load_queries

pytestmark = REAL

ROWS = 5_000
KEPT_AFTER = 6
"""Executions after which a prepared statement certainly has the plan that it keeps."""
READ_MAX = 100
"""Rows of a batch that needs a dozen."""
WITHIN_S = 20
GROW = (
    "INSERT INTO danbao.stream_states SELECT 0, 'trade/' || i, 1, 1, '{}' FROM n",
    "INSERT INTO danbao.shared_facts SELECT 0, 'account/' || i, '{}' FROM n",
    "INSERT INTO danbao.guarded_balances SELECT 0, 'R.CUST.' || i, 'CNY', 0 FROM n",
    "INSERT INTO danbao.consumer_offsets SELECT 'accounts', 'topic' || i, 0, 1, 0, 0 FROM n",
)
READ = """
SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::int AS read,
    sum(n_tup_upd) FILTER (WHERE relname = 'stream_states')::int AS moved
FROM pg_stat_user_tables WHERE schemaname = 'danbao'
"""


@pytest.fixture
def servers(real_servers: Lazy) -> Lazy:
    """Started outside of any event loop."""
    real_servers.start()
    return real_servers


async def work(store: PostgresStore, name: str) -> None:
    """One batch: an answer, a stream that begins, one that moves, facts, money, an offset."""
    writer, wallet, other = Writer(store), ("R.CUST.A", "CNY"), ("R.CUST.B", "CNY")
    stream = f"account/{name}"
    async with store.unit() as unit:
        streams = [stream, "account/A"]
        locked = await unit.lock(SERVICE, [COMMANDS, EVENTS], [command_id(name)], streams)
        await unit.share_facts(["policy/P", f"account/{name}"])
        held = await unit.lock_balances([wallet])
        writes = await writer.writes(await writer.rows(stream))
        writes.answers = [answer(name)]
        version = locked.streams["account/A"].version
        writes.states = [
            StateChange(stream, 0, 1, 1, "{}"),
            StateChange("account/A", version, version + 1, 1, "{}"),
        ]
        writes.balances = {wallet: -1 if held[wallet] else 1, other: 1}
        offset = locked.offsets[COMMANDS]
        writes.offsets = {COMMANDS: replace(offset, next_offset=offset.next_offset + 1)}
        await unit.write(SERVICE, writes)


async def test_a_batch_reads_what_it_needs_however_many_rows_there_are(servers: Lazy) -> None:
    """Plans are made on tables without statistics, kept, and used when there are many rows."""
    database = PostgresDatabase(await servers.create_database())
    store = database.open()
    admin = await asyncpg.connect(database.dsn)
    try:
        await store.claim(SERVICE, COMMANDS, 0)
        await store.claim(SERVICE, EVENTS, 0)
        for number in range(KEPT_AFTER):
            await work(store, f"early-{number}")
        for grow in GROW:
            await admin.execute(f"WITH n AS (SELECT generate_series(1, {ROWS}) AS i) {grow}")
        await tell(store, admin)
        await work(store, "late")
        assert 0 < await tell(store, admin) < READ_MAX
    finally:
        await admin.close()
        await database.close()


async def test_no_statement_compares_each_row_of_a_batch_with_each_other(servers: Lazy) -> None:
    """An array counts as ten rows when a plan is made, and may have five hundred."""
    dsn = await servers.create_database()
    connection = await connect(dsn, purpose="plans", session=BY_KEY, role=None)
    try:
        joined = 0
        for name, query in load_queries("danbao.kernel.postgres", "store.sql").items():
            explain = await connection.prepare(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {query}")
            explained = await explain.fetchval(*[None] * len(explain.get_parameters()))
            for node in nodes(json.loads(explained)[0]["Plan"]):
                joined += "Join Type" in node
                assert node["Node Type"] != "Nested Loop" or "Join Filter" not in node, name
        assert joined
    finally:
        await connection.close()


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A plan's nodes, from the top."""
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


async def tell(store: PostgresStore, admin: asyncpg.Connection) -> int:
    """How many rows were read since it was asked last, once the store's session has told."""
    connection = store._connection
    assert connection is not None
    await connection.execute("SELECT pg_stat_force_next_flush()")
    ends = time.monotonic() + WITHIN_S
    while not (row := await admin.fetchrow(READ))["moved"]:
        assert time.monotonic() < ends, "nothing was told"
        await asyncio.sleep(0.05)
    read: int = row["read"]
    await admin.execute("SELECT pg_stat_reset()")
    return read
