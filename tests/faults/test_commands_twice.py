"""Commands sent twice, late, in another order and under a taken id, while workers are killed."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
from tests.faults.conftest import Settle
from tests.faults.fleet import Fleet, until
from tests.faults.record import FaultRecord
from tests.faults.watch import Watch
from tests.integration.wire import Raw, Wire, command, money

from danbao.testing.market import simulate_market, write_market
from danbao.testing.market_flow import CommandLine

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]

PARTITIONS = 8
ALL_FIRED_WITHIN_S = 30.0
FIRED_PER_S = 250
SHUFFLED_TRADES = 60


@pytest.fixture
async def wire(fleet: Fleet) -> AsyncIterator[Wire]:
    """Raw records to any partition, and every answer."""
    async with Wire(fleet.engine) as connected:
        yield connected


async def have_merchant(wire: Wire, name: str) -> None:
    """Open a merchant's account."""
    raw = command(
        f"open {name}", "accounts.open_account.v1", name,
        account_id=name, kind="merchant", currency="CNY", payout_bank="bank_ok",
    )  # fmt: skip
    await wire.send(raw, 0)
    assert await wire.codes([raw]) == [""]


def created(trade: str, seller: str, pay_within_s: int = 1800) -> Raw:
    """A trade is created."""
    return command(
        f"create {trade}", "escrow.create_trade.v1", trade,
        trade_id=trade, buyer="B-nobody", seller=seller, amount=money(100), title="t",
        pay_within_s=pay_within_s,
    )  # fmt: skip


def raw_of(line: CommandLine) -> Raw:
    """A line of a market day as a record."""
    raw = command("", line["type"], line["partitionkey"], line.get("actor"), **line["data"])
    return raw.changed(ce_id=line["id"].encode())


async def answers_of(fleet: Fleet, raws: list[Raw]) -> dict[str, int]:
    """How many answers each command has in the log, refusals of other bodies not counted."""
    rows = await fleet.engine.fetch(
        "SELECT causation_id::text AS id, count(*) AS n FROM danbao.event_log"
        " WHERE causation_id = ANY ($1::uuid[]) AND data ->> 'code' IS DISTINCT FROM"
        " 'command_id_reused' GROUP BY causation_id",
        [raw.command_id for raw in raws],
    )
    return {row["id"]: row["n"] for row in rows}


@pytest.mark.brief
async def test_commands_sent_many_times_to_many_partitions_are_answered_once(
    fleet: Fleet,
    wire: Wire,
    faults: FaultRecord,
    settle: Settle,
    random: Random,
    load_seed: int,
) -> None:
    """Producers that retry, and two workers that meet: one answer for each id and body."""
    seller = f"M{load_seed}"
    await have_merchant(wire, seller)
    await fleet.start_member("escrow", 1)
    raws = [created(f"T{load_seed}-{number}", seller) for number in range(300)]
    copies = [raw for raw in raws for _ in range(random.randint(1, 5))]
    random.shuffle(copies)
    sending = asyncio.create_task(
        wire.send_all([(raw, random.randrange(PARTITIONS)) for raw in copies])
    )
    await wire.answer(raws[0].command_id)
    victim = fleet.members["escrow-1"]
    victim.send(signal.SIGKILL)
    await victim.wait_killed(5)
    fault = faults.hit("duplicates", f"{len(copies)} copies of 300, a worker killed among them")
    fleet.forget(victim)
    await sending

    assert set(await wire.codes(raws)) == {""}

    await settle(fault)
    assert set((await answers_of(fleet, raws)).values()) == {1}


@pytest.mark.brief
async def test_one_id_with_two_bodies_at_the_same_moment_has_one_winner(
    fleet: Fleet, wire: Wire, faults: FaultRecord, settle: Settle, load_seed: int
) -> None:
    """On two partitions of two workers: the other body is refused, whichever comes first."""
    seller = f"M{load_seed}"
    await have_merchant(wire, seller)
    await fleet.start_member("escrow", 1)
    pairs: list[tuple[Raw, Raw]] = []
    for number in range(60):
        first = created(f"T{load_seed}-{number}", seller)
        other = created(f"T{load_seed}-{number}-b", seller)
        pairs.append((first, other.changed(ce_id=first.headers["ce_id"])))
    fault = faults.hit("id reused", "60 pairs of bodies, on two partitions at once")

    await wire.send_all(
        [(raw, place) for pair in pairs for raw, place in zip(pair, (0, 7), strict=True)]
    )

    await until(
        lambda: all(len(wire.answers.get(first.command_id, ())) > 1 for first, _ in pairs),
        30,
        "both bodies of each id are answered",
    )
    codes = [sorted(each.code for each in wire.answers[first.command_id]) for first, _ in pairs]
    assert codes == [["", "command_id_reused"]] * len(pairs)
    await fleet.end("escrow-1")
    await settle(fault)


@pytest.mark.brief
async def test_a_day_of_commands_in_no_order_and_late_moves_money_only_where_it_may_go(
    fleet: Fleet,
    wire: Wire,
    faults: FaultRecord,
    settle: Settle,
    random: Random,
    load_seed: int,
    tmp_path: Path,
) -> None:
    """Release before payment, cancel after release, refund of nothing: each has one answer."""
    day = simulate_market(trades=SHUFFLED_TRADES, seed=load_seed)
    accounts, *_ = write_market(day, tmp_path / "market")
    await fleet.engine.publish([accounts])
    await fleet.start_member("escrow", 1)
    raws = [raw_of(line) for line in day.trades if "type" in line]
    copies = raws + random.sample(raws, len(raws) // 3)
    random.shuffle(copies)
    sending = asyncio.create_task(
        wire.send_all([(raw, random.randrange(PARTITIONS)) for raw in copies])
    )
    await wire.answer(copies[0].command_id)
    victim = fleet.members["escrow-1"]
    victim.send(signal.SIGKILL)
    await victim.wait_killed(5)
    fleet.forget(victim)
    await sending
    codes = await wire.codes(raws)
    fault = faults.hit("no order", f"{len(copies)} commands of {SHUFFLED_TRADES} trades, shuffled")
    assert {"", "trade_unknown", "wrong_state"} <= set(codes), "the order was not bad enough"
    await settle(fault)


@pytest.mark.parametrize("count", [pytest.param(1000, marks=pytest.mark.brief), 15_000])
async def test_deadlines_that_come_while_no_scheduler_runs_fire_once_each_when_it_is_back(
    fleet: Fleet,
    wire: Wire,
    watch: Watch,
    faults: FaultRecord,
    settle: Settle,
    load_seed: int,
    count: int,
) -> None:
    """So many at the same second, and the scheduler killed in the midst of them."""
    seller = f"M{load_seed}"
    await have_merchant(wire, seller)
    await fleet.end("scheduler-0")
    before = await watch.read("scheduler")
    assert before is not None
    raws = [created(f"T{load_seed}-{number}", seller, pay_within_s=1) for number in range(count)]
    await wire.send_all([(raw, number % PARTITIONS) for number, raw in enumerate(raws)])
    assert set(await wire.codes(raws)) == {""}
    await asyncio.sleep(1.1)  # the deadlines themselves
    assert await watch.read("scheduler") == before, "somebody else fired a deadline"
    scheduler = await fleet.start_member("scheduler")
    await watch.moves("scheduler", 10)
    scheduler.send(signal.SIGKILL)
    await scheduler.wait_killed(5)
    fault = faults.hit("SIGKILL", f"scheduler, {count:,} deadlines overdue")
    fleet.forget(scheduler)
    await fleet.start_member("scheduler")
    done = await watch.read("scheduler")
    assert done is not None
    if done < before + count:
        left, bar = before + count - done, ALL_FIRED_WITHIN_S + count / FIRED_PER_S
        fault.took("all fired", await watch.moves("scheduler", 2 * bar, left), bar)
    await settle(fault)
    assert await watch.read("scheduler") == before + count
