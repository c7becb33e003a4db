"""What six services, relay and scheduler do together, with no server."""

import dataclasses
from collections import Counter
from datetime import timedelta

from tests.unit.kernel.trading import PLAN, PRICE, check, play, run, stages

from danbao.app import SERVICES
from danbao.testing.engine import Engine


async def test_a_trade_goes_from_top_up_to_payout() -> None:
    """The buyer's money is held until the goods are there; then it is the seller's, less a fee."""
    engine = Engine()
    plan = stages(1)
    await play(engine, plan[:3])
    assert engine.balances()["R.ESCROW.T-1", "CNY"] == PRICE
    await play(engine, plan[3:5])
    assert engine.balances()["R.MPEND.S-1", "CNY"] == PRICE
    await play(engine, plan[5:])
    assert engine.events("T-1") == [
        "escrow.trade_created.v1",
        "authorization.payment_requested.v1",
        "risk.payment_assessed.v1",
        "authorization.payment_captured.v1",
        "escrow.trade_funded.v1",
        "escrow.trade_shipped.v1",
        "escrow.trade_released.v1",
        "settlement.credit_recorded.v1",
    ]
    assert engine.events("S-1")[-2:] == ["channel.order_succeeded.v1", "settlement.payout_paid.v1"]
    fee = 60
    assert engine.balances() == {
        ("R.CB", "CNY"): fee,
        ("R.DUE_TO_O", "CNY"): fee,
        ("O.DUE_FROM_R", "CNY"): fee,
        ("O.INC.FEE", "CNY"): fee,
    }
    assert engine.dead_letters == []
    check(engine)


async def test_deadlines_fire_in_the_order_of_their_times() -> None:
    """A silent buyer has confirmed after ten days, and the window closes at midnight after that."""
    engine = Engine()
    begin = engine.clock.now()
    await play(engine, stages(1)[:4])
    await engine.advance(timedelta(days=9, hours=23))
    assert "escrow.trade_released.v1" not in engine.events("T-1")
    await engine.advance(timedelta(days=2))
    times = {row.type: row.recorded_at for row in engine.log}
    assert times["escrow.trade_released.v1"] == begin + timedelta(days=10)
    midnight_in_shanghai = begin.replace(hour=16) + timedelta(days=10)
    assert times["settlement.window_closed.v1"] == midnight_in_shanghai
    assert times["settlement.payout_paid.v1"] == midnight_in_shanghai
    assert engine.tables.timers == {}
    assert engine.clock.now() == begin + timedelta(days=11, hours=23)
    check(engine)


async def test_an_unpaid_trade_closes_in_time_and_a_paid_one_does_not() -> None:
    """A cancelled deadline never fires."""
    engine = Engine()
    await play(engine, stages(1)[:2])
    await play(engine, stages(2)[:3])
    await engine.advance(timedelta(hours=1))
    assert engine.events("T-1")[-1] == "escrow.trade_closed.v1"
    assert engine.events("T-2")[-1] == "escrow.trade_funded.v1"
    check(engine)


async def test_two_payments_of_one_wallet_never_spend_it_twice() -> None:
    """Trades lie in different partitions; the wallet is one."""
    engine = Engine()
    await play(engine, stages(1)[:2])
    trade, payment = dict(stages(1)[1][1][1]), dict(stages(1)[2][0][1])
    for n in range(2, 6):
        await engine.send("escrow.create_trade.v1", trade | {"trade_id": f"T-{n}"})
    await engine.settle()
    for n in range(1, 6):
        data = payment | {"trade_id": f"T-{n}", "payment_id": f"P-{n}"}
        await engine.send("authorization.authorize_payment.v1", data)
    await engine.settle()
    types = Counter(row.type for row in engine.log)
    assert types["authorization.payment_captured.v1"] == 1
    assert types["authorization.payment_declined.v1"] == 4
    check(engine)


async def test_only_the_scheduler_sends_timers() -> None:
    """Nobody confirms a receipt in the buyer's name by guessing a type."""
    engine = Engine()
    await play(engine, stages(1)[:4])
    forged = await engine.send(
        "escrow.auto_confirm_receipt.v1", {"trade_id": "T-1", "generation": 1}
    )
    await engine.settle()
    assert engine.refusal(forged) == "invalid_command"
    assert "escrow.trade_released.v1" not in engine.events("T-1")
    check(engine)


async def test_a_relay_that_starts_anew_publishes_nothing_twice() -> None:
    """It asks the broker what it holds."""
    engine = await run(PLAN, Engine())
    before = sum(len(engine.broker.records(f"danbao.{name}.events")) for name in SERVICES)
    engine.tables.lease = dataclasses.replace(engine.tables.lease, confirmed=0)
    await engine.restart()
    await engine.settle()
    after = sum(len(engine.broker.records(f"danbao.{name}.events")) for name in SERVICES)
    assert after == before == len(engine.log)
