"""What every store promises to two workers at once: facts, balances, deadlines."""

import asyncio
from datetime import timedelta

import pytest
from tests.conformance.databases import Database
from tests.conformance.writing import (
    COMMANDS,
    EVENTS,
    NOON,
    SERVICE,
    Writer,
    answer,
    command_id,
    timer,
)

from danbao.kernel.errors import RefusedError
from danbao.kernel.messages import Offset, StoredStream
from danbao.kernel.ports import Store

WALLET = "R.CUST.A.AVAILABLE", "CNY"
MERCHANT = "R.MPEND.S", "CNY"


async def move(store: Store, change: int, *, lock: bool, account: tuple[str, str] = WALLET) -> None:
    """Change a balance in a unit of its own."""
    writer = Writer(store)
    async with store.unit() as unit:
        if lock:
            await unit.lock_balances([account])
        writes = await writer.writes()
        writes.balances = {account: change}
        await unit.write(SERVICE, writes)


async def test_streams_may_be_given_as_any_iterable(database: Database) -> None:
    """Every port method takes what can be gone through once."""
    store = database.open()
    async with store.unit() as unit:
        streams = await unit.lock_streams(name for name in ("account/B", "account/A"))
        facts = await unit.share_facts(name for name in ("account/B", "account/A"))
        balances = await unit.lock_balances(account for account in (WALLET, MERCHANT))
    assert set(streams) == set(facts) == {"account/A", "account/B"}
    assert balances == {WALLET: 0, MERCHANT: 0}


async def test_facts_are_what_was_last_shared(database: Database) -> None:
    """A service asks what another one's state is, not what it was."""
    writer = Writer(database.open())
    writes = await writer.writes()
    for text in ('{"frozen":false}', '{"frozen":true}'):
        writes.facts = {"account/A": text}
        await writer.commit(writes)
    async with writer.store.unit() as unit:
        found = await unit.share_facts(["account/A", "account/B"])
    assert found == {"account/A": '{"frozen":true}', "account/B": None}


@pytest.mark.parametrize("known", [True, False])
async def test_a_fact_stays_as_it_was_asked_until_the_unit_ends(
    database: Database, *, known: bool
) -> None:
    """A payment is decided on "not frozen": nobody freezes in between, known or not."""
    first, second = Writer(database.open()), Writer(database.open())
    if known:
        writes = await first.writes()
        writes.facts = {"account/A": "{}"}
        await first.commit(writes)
    order: list[str] = []

    async def change() -> None:
        writes = await second.writes()
        writes.facts = {"account/A": '{"frozen":true}'}
        await second.commit(writes)
        order.append("changed")

    async with first.store.unit() as unit:
        found = await unit.share_facts(["account/A"])
        changing = asyncio.create_task(change())
        await asyncio.sleep(0.1)
        order.append("decided")
    await changing
    assert found == {"account/A": "{}" if known else None}
    assert order == ["decided", "changed"]
    async with first.store.unit() as unit:
        assert (await unit.share_facts(["account/A"]))["account/A"] == '{"frozen":true}'


async def test_a_fact_that_somebody_begins_meanwhile_is_waited_for(database: Database) -> None:
    """Two workers ask for a fact that nobody had shared, and one of them shares it."""
    first, second = Writer(database.open()), Writer(database.open())
    known = {"account/M": None}

    async def ask() -> dict[str, str | None]:
        async with second.store.unit() as unit:
            return await unit.share_facts(["account/A", "account/M", "account/Z"])

    async with first.store.unit() as unit:
        assert await unit.share_facts(known) == known
        asking = asyncio.create_task(ask())
        await asyncio.sleep(0.1)
        assert not asking.done()
        writes = await first.writes()
        writes.facts = {"account/M": '{"frozen":true}'}
        await unit.write(SERVICE, writes)
    assert await asking == {"account/A": None, "account/M": '{"frozen":true}', "account/Z": None}


async def test_a_balance_never_falls_below_zero(database: Database) -> None:
    """Over-spending is impossible, whatever the code above believes."""
    store = database.open()
    await move(store, 100, lock=False)
    await move(store, -60, lock=True)
    with pytest.raises(RefusedError):
        await move(store, -41, lock=True)
    assert await database.balances() == {WALLET: 40}
    await move(store, -40, lock=True)
    assert await database.balances() == {WALLET: 0}


async def test_a_debit_of_what_was_not_locked_is_refused(database: Database) -> None:
    """Only locked accounts may fall: the decision must have seen them."""
    store = database.open()
    await move(store, 100, lock=False)
    with pytest.raises(RefusedError):
        await move(store, -1, lock=False)
    assert await database.balances() == {WALLET: 100}


async def test_two_debits_at_once_spend_the_money_once(database: Database) -> None:
    """The lock is held from the look at the balance to the commit."""
    stores = [database.open() for _ in range(2)]
    await move(stores[0], 100, lock=False)

    async def spend(store: Store) -> bool:
        async with store.unit() as unit:
            balance = (await unit.lock_balances([WALLET]))[WALLET]
            if balance < 100:
                return False
            await asyncio.sleep(0.02)
            writes = await Writer(store).writes()
            writes.balances = {WALLET: -100}
            await unit.write(SERVICE, writes)
            return True

    # Asked before the units begin: a store is used by one task at a time.
    assert sorted(await asyncio.gather(*map(spend, stores))) == [False, True]
    assert await database.balances() == {WALLET: 0}


async def test_credits_of_a_hot_account_add_up(database: Database) -> None:
    """A merchant is credited by many batches, none of which locks it."""
    stores = [database.open() for _ in range(4)]
    await asyncio.gather(*(move(store, 25, lock=False, account=MERCHANT) for store in stores))
    assert await database.balances() == {MERCHANT: 100}


async def test_a_deadline_is_due_when_its_time_has_come(database: Database) -> None:
    """The oldest first, besides those that were sent a moment ago."""
    writer = Writer(database.open())
    store = writer.store
    timers = [
        timer(name, NOON + timedelta(minutes=at)) for name, at in zip("abc", (2, 1, 3), strict=True)
    ]
    a, b, c = timers
    writes = await writer.writes()
    writes.timers_set = {each.timer_id: each for each in timers}
    await writer.commit(writes)
    assert list(await store.due_timers(NOON, [], 10)) == []
    two = NOON + timedelta(minutes=2)
    assert list(await store.due_timers(two, [], 10)) == [b, a]
    assert list(await store.due_timers(two, [b.timer_id], 10)) == [a]
    assert list(await store.due_timers(two, [], 1)) == [b]
    assert list(await store.due_timers(NOON + timedelta(days=1), [], 10)) == [b, a, c]


async def test_a_cancelled_deadline_is_never_due(database: Database) -> None:
    """Cancelling what is not there changes nothing; setting a timer twice keeps the first."""
    writer = Writer(database.open())
    first, second = timer("a"), timer("b")
    writes = await writer.writes()
    writes.timers_set = {each.timer_id: each for each in (first, second)}
    await writer.commit(writes)
    writes.timers_set = {second.timer_id: timer("b", NOON - timedelta(hours=1))}
    writes.timers_cancelled = {first.timer_id, timer("unknown").timer_id}
    await writer.commit(writes)
    assert list(await writer.store.due_timers(NOON + timedelta(days=1), [], 10)) == [second]


async def test_what_a_batch_needs_first_is_locked_together(database: Database) -> None:
    """Offsets, answers and streams; what is not there stands at version 0."""
    store = database.open()
    writer = Writer(store)
    await store.claim(SERVICE, COMMANDS, 3)
    await writer.begin("account/A")
    first = await writer.writes(await writer.rows("account/C"))
    first.answers = [answer("command-1")]
    await writer.commit(first)
    ids = [command_id("command-1"), command_id("command-2")]
    async with store.unit() as unit:
        locked = await unit.lock(SERVICE, [COMMANDS, EVENTS], ids, ["account/B", "account/A"])
        assert locked.offsets == {COMMANDS: Offset(1, 3)}
        assert locked.answers == {command_id("command-1"): answer("command-1").body.sha256}
        assert locked.streams == {
            "account/A": StoredStream(1, 1, "{}"),
            "account/B": StoredStream(0, 0, None),
        }
