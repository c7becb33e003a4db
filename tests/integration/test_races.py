"""Races between workers of one service: somebody wins, everybody is answered, no money is made.

Producers should send one flow to one partition; here they do not, so that two workers meet.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from random import Random

import pytest
from tests.integration.conftest import EngineFactory
from tests.integration.running_engine import RunningEngine
from tests.integration.wire import Raw, Wire, command, money

pytestmark = pytest.mark.servers

PARTITIONS = 8
FIRST, LAST = 0, PARTITIONS - 1
"""Partitions of different workers when there are two."""
RACES = 20
PRICE = 9_000
MERCHANT = "M-race"


@pytest.fixture(scope="module")
def engine(engine_factory: EngineFactory) -> Iterator[RunningEngine]:
    """Two workers where races happen."""
    with engine_factory(accounts=2, authorization=2, escrow=2) as running:
        asyncio.run(open_merchant(running))
        yield running


@pytest.fixture
async def wire(engine: RunningEngine) -> AsyncIterator[Wire]:
    """Raw records in, answers out."""
    async with Wire(engine) as connected:
        yield connected


async def open_merchant(engine: RunningEngine) -> None:
    """Open the account of the seller of all trades."""
    async with Wire(engine) as wire:
        assert await send_and_wait(wire, [opened("merchant", MERCHANT, kind="merchant")]) == [""]


async def send_and_wait(wire: Wire, raws: Sequence[Raw]) -> list[str]:
    """Send all to one partition, in this order, and give the codes."""
    await wire.send_all([(raw, FIRST) for raw in raws])
    return await wire.codes(raws)


def opened(name: str, account_id: str, kind: str = "personal") -> Raw:
    """An account is opened."""
    return command(
        name, "accounts.open_account.v1", account_id, account_id=account_id, kind=kind,
        currency="CNY", **({"tier": "III"} if kind == "personal" else {"payout_bank": "bank_ok"}),
    )  # fmt: skip


def created(name: str, trade_id: str, buyer: str = "B-race", title: str = "tea") -> Raw:
    """A trade over PRICE."""
    return command(
        name, "escrow.create_trade.v1", trade_id, trade_id=trade_id, buyer=buyer,
        seller=MERCHANT, amount=money(PRICE), title=title,
    )  # fmt: skip


def paid(name: str, trade_id: str, payer: str) -> Raw:
    """The payer pays the trade."""
    return command(
        name, "authorization.authorize_payment.v1", trade_id, payment_id=name,
        trade_id=trade_id, payer=payer, amount=money(PRICE), method="balance",
    )  # fmt: skip


async def fund(engine: RunningEngine, wire: Wire, payer: str, minor: int) -> None:
    """Open a wallet with so much in it."""
    top_up = command(
        f"top-up {payer}", "accounts.top_up.v1", payer, top_up_id=f"U-{payer}",
        account_id=payer, amount=money(minor), bank_card="card_ok",
    )  # fmt: skip
    assert await send_and_wait(wire, [opened(f"open {payer}", payer), top_up]) == ["", ""]
    await engine.wait_idle()


async def log_of(engine: RunningEngine, trade_id: str) -> Counter[str]:
    """Types of the events on a trade's stream."""
    rows = await engine.fetch(
        "SELECT type FROM danbao.event_log WHERE stream = $1", f"trade/{trade_id}"
    )
    return Counter(row["type"] for row in rows)


async def assert_each_answered_once(engine: RunningEngine, wire: Wire, raws: Sequence[Raw]) -> None:
    """One block of events for each command: a yes or a no, never both."""
    await wire.codes(raws)
    assert await engine.audit() == []
    for raw in raws:
        answers = wire.answers[raw.command_id]
        refusals = [answer.code for answer in answers if answer.code]
        assert refusals == [] or len(answers) == 1, raw
    ids = [raw.command_id for raw in raws]
    [row] = await engine.fetch(
        "SELECT count(*) AS answered FROM danbao.inbox WHERE message_id = any($1::uuid[])", ids
    )
    assert row["answered"] == len(set(ids))


async def test_a_new_stream_is_begun_by_one_of_two_workers(
    engine: RunningEngine, wire: Wire
) -> None:
    """Nothing to lock exists yet when two workers create the same trade."""
    names = [f"T-new-{number}" for number in range(RACES)]
    pairs = [(created(f"{name} a", name), created(f"{name} b", name)) for name in names]

    await wire.send_all([place for a, b in pairs for place in ((a, FIRST), (b, LAST))])

    for pair in pairs:
        assert sorted(await wire.codes(pair)) == ["", "trade_exists"]
    for name in names:
        assert await log_of(engine, name) == {"escrow.trade_created.v1": 1}
    await assert_each_answered_once(engine, wire, [raw for pair in pairs for raw in pair])


async def test_one_id_with_two_bodies_is_one_yes_and_one_reuse(
    engine: RunningEngine, wire: Wire
) -> None:
    """Whichever body comes first is the wish; the other one is told so, and changes nothing."""
    pairs = []
    for number in range(RACES):
        name = f"T-reused-{number}"
        pairs.append((created(name, name), created(name, name, title="coffee")))

    await wire.send_all([place for a, b in pairs for place in ((a, FIRST), (b, LAST))])

    ids = [a.command_id for a, _ in pairs]
    await wire.codes([a for a, _ in pairs])
    assert await engine.audit() == []
    for command_id in ids:
        codes = sorted(answer.code for answer in wire.answers[command_id])
        assert codes == ["", "command_id_reused"]


async def test_one_wish_sent_to_two_partitions_is_done_once(
    engine: RunningEngine, wire: Wire
) -> None:
    """A producer that retries after its partition table changed."""
    raws = [created(f"T-twice-{number}", f"T-twice-{number}") for number in range(RACES)]

    await wire.send_all([place for raw in raws for place in ((raw, FIRST), (raw, LAST))])

    assert await wire.codes(raws) == [""] * RACES
    await assert_each_answered_once(engine, wire, raws)
    assert [len(wire.answers[raw.command_id]) for raw in raws] == [1] * RACES


async def test_a_wallet_pays_once_what_it_has_once(engine: RunningEngine, wire: Wire) -> None:
    """Many trades are paid at the same moment from a wallet that has the money for one."""
    payer = "B-double"
    await fund(engine, wire, payer, PRICE)
    trades = [f"T-double-{number}" for number in range(RACES)]
    await send_and_wait(wire, [created(f"make {name}", name, payer) for name in trades])
    payments = [paid(f"P-{name}", name, payer) for name in trades]

    await wire.send_all([(raw, number % PARTITIONS) for number, raw in enumerate(payments)])

    await assert_each_answered_once(engine, wire, payments)
    rows = await engine.fetch(
        "SELECT type, data ->> 'code' AS code FROM danbao.event_log WHERE partition_key ="
        " any($1) AND type LIKE 'authorization.payment\\_%d.v1' AND type NOT LIKE '%requested%'",
        trades,
    )
    assert Counter((row["type"], row["code"]) for row in rows) == {
        ("authorization.payment_captured.v1", None): 1,
        ("authorization.payment_declined.v1", "insufficient_funds"): RACES - 1,
    }


async def test_a_trade_is_paid_once_and_the_other_payments_come_back(
    engine: RunningEngine, wire: Wire
) -> None:
    """All payments are captured, one is kept, and the wallet has the rest again."""
    payer, trade_id = "B-many", "T-many"
    await fund(engine, wire, payer, PRICE * 10)
    await send_and_wait(wire, [created("make T-many", trade_id, payer)])
    payments = [paid(f"P-many-{number}", trade_id, payer) for number in range(10)]

    await wire.send_all([(raw, number % PARTITIONS) for number, raw in enumerate(payments)])

    await assert_each_answered_once(engine, wire, payments)
    assert await log_of(engine, trade_id) == {
        "escrow.trade_created.v1": 1,
        "escrow.trade_funded.v1": 1,
    }
    [row] = await engine.fetch(
        "SELECT balance_minor FROM danbao.guarded_balances WHERE account = $1",
        f"R.CUST.{payer}.AVAILABLE",
    )
    assert row["balance_minor"] == PRICE * 9


@pytest.mark.parametrize("seed", range(3))
async def test_a_storm_of_commands_on_one_trade_moves_its_money_once(
    engine: RunningEngine, wire: Wire, seed: int
) -> None:
    """64 wishes that contradict each other, over all partitions and both workers at once."""
    payer, trade_id = f"B-storm-{seed}", f"T-storm-{seed}"
    await fund(engine, wire, payer, PRICE)
    await send_and_wait(wire, [created(f"make {trade_id}", trade_id, payer)])
    await send_and_wait(wire, [paid(f"P-{trade_id}", trade_id, payer)])
    await engine.wait_idle()
    raws = storm(trade_id)
    Random(seed).shuffle(raws)

    await wire.send_all([(raw, number % PARTITIONS) for number, raw in enumerate(raws)])

    await assert_each_answered_once(engine, wire, raws)
    happened = await log_of(engine, trade_id)
    assert happened["escrow.trade_shipped.v1"] <= 1
    assert happened["escrow.trade_released.v1"] + happened["escrow.trade_closed.v1"] <= 1
    assert happened["escrow.receipt_extended.v1"] <= 1
    assert happened["escrow.trade_funded.v1"] == 1
    versions = await engine.fetch(
        "SELECT version FROM danbao.event_log WHERE stream = $1 ORDER BY position",
        f"trade/{trade_id}",
    )
    assert [row["version"] for row in versions] == list(range(1, happened.total() + 1))


def storm(trade_id: str) -> list[Raw]:
    """64 commands on one trade."""

    def one(number: int, verb: str, **data: object) -> Raw:
        name = f"storm {trade_id} {number} {verb}"
        return command(name, f"escrow.{verb}.v1", trade_id, trade_id=trade_id, **data)

    raws = []
    for number in range(8):
        refund_id = f"R-{number % 4}"
        ship = {"carrier": "SF", "tracking_no": f"SF-{number}"}
        refund = {
            "refund_id": refund_id, "amount": money(PRICE // 2), "kind": "money_only",
            "reason": "storm",
        }  # fmt: skip
        raws += [
            one(number, "ship_trade", **ship),
            one(number, "confirm_receipt"),
            one(number, "cancel_trade", reason="storm"),
            one(number, "extend_receipt", days=3),
            one(number, "apply_refund", **refund),
            one(number, "agree_refund", refund_id=refund_id),
            one(number, "freeze_trade" if number % 2 else "unfreeze_trade", reason="storm"),
            one(number, "refuse_refund" if number % 2 else "cancel_refund", refund_id=refund_id),
        ]
    assert len({raw.command_id for raw in raws}) == 64
    return raws
