"""Each decision is made again on what it knew: its clock, its policies, its states and balances."""

from datetime import timedelta
from random import Random

import pytest
from msgspec.structs import replace
from tests.unit.kernel.test_retries import ask as want_retried
from tests.unit.kernel.test_retries import mend
from tests.unit.kernel.test_setting_aside import with_broken
from tests.unit.kernel.trading import PRICE, play, side_by_side, stages
from tests.unit.whatif.asking import DEFAULTS, HARMLESS, ask

from danbao.app import SERVICES
from danbao.kernel.batch import BODY_LOST
from danbao.kernel.memory.clock import MemoryClock
from danbao.kernel.messages import CommandBody
from danbao.testing.engine import Engine
from danbao.whatif.reading import Reason


async def publish(engine: Engine, policy: str, **body: object) -> None:
    service = policy.partition(".")[0]
    await engine.send(f"{service}.publish_policy.v1", {"policy": policy, "body": body})
    await engine.settle()


async def test_a_batch_recorded_late_is_decided_at_its_own_time() -> None:
    """Workers race: what one took for now is not always when it was recorded."""
    engine = Engine()
    await engine.settle()
    (worker,) = engine.workers["escrow"]
    worker.clock = MemoryClock(engine.clock.now() - timedelta(seconds=3))
    await play(engine, side_by_side(2))
    assert engine.tables.decision_times, "the slow clock was never behind the log"

    asked = await ask(engine.tables, DEFAULTS)

    assert (asked.differences, asked.left) == ([], [])


@pytest.mark.parametrize("seed", range(4))
async def test_workers_that_race_with_clocks_of_their_own_are_decided_again(seed: int) -> None:
    """However batches are cut, and whoever is ahead: the log says what each of them saw."""
    random = Random(seed)
    engine = Engine(random=random, batch_records=lambda: random.randrange(1, 9))
    for name in SERVICES:
        for _ in range(2):
            worker = await engine.start_worker(name)
            behind = timedelta(microseconds=random.randrange(5_000_000))
            worker.clock = MemoryClock(engine.clock.now() - behind)
    await play(engine, side_by_side(5))
    assert engine.tables.decision_times

    asked = await ask(engine.tables, DEFAULTS)
    higher = await ask(engine.tables, {"settlement.fee": {"fee_bps": 61}})

    assert (asked.differences, asked.left) == ([], [])
    assert higher.answer.total.money == {("fee", "CNY"): 5}


async def test_a_moment_that_is_lost_is_told_not_guessed() -> None:
    """Without the time of a decision its deadlines cannot be compared, and nobody pretends to."""
    engine = Engine()
    await engine.settle()
    (worker,) = engine.workers["escrow"]
    worker.clock = MemoryClock(engine.clock.now() - timedelta(seconds=3))
    await play(engine, stages(1))
    engine.tables.decision_times.clear()

    asked = await ask(engine.tables, {"escrow.deadlines": {"auto_confirm_s": 60}})

    assert asked.differences == []
    assert {left.reason for left in asked.left} == {Reason.DIFFERS_UNCHANGED}
    assert [left.decision for left in asked.left] == [
        "escrow.trade_created.v1",
        "escrow.trade_shipped.v1",
    ]


async def test_policies_that_changed_are_those_of_each_moment() -> None:
    """The fee was raised between two trades: each is compared with what was in force."""
    engine = Engine()
    await play(engine, stages(1))
    await publish(engine, "settlement.fee", fee_bps=100)
    await play(engine, stages(2))

    as_first = await ask(engine.tables, {"settlement.fee": {"fee_bps": 60}})
    as_second = await ask(engine.tables, {"settlement.fee": {"fee_bps": 100}})
    between = await ask(engine.tables, {"settlement.fee": {"fee_bps": 80}})

    assert as_first.answer.total.money == {("fee", "CNY"): -PRICE * 40 // 10_000}
    assert as_second.answer.total.money == {("fee", "CNY"): PRICE * 40 // 10_000}
    assert [each.changed()["fee_bps"] for each in between.differences] == [(60, 80), (100, 80)]
    assert between.answer.by_merchant.keys() == {"S-1", "S-2"}
    assert between.left == []


async def test_deadlines_that_acted_are_made_again() -> None:
    """Timers are decided like commands: they are in the inbox, with an id that is derived."""
    engine = Engine()
    await play(engine, stages(1)[:4])
    await engine.advance(timedelta(days=12))
    assert {"escrow.trade_released.v1", "settlement.window_closed.v1"} <= {
        row.type for row in engine.log
    }

    asked = await ask(engine.tables, DEFAULTS)

    assert (asked.differences, asked.left) == ([], [])


async def test_a_retried_dead_letter_is_decided_where_it_was_retried() -> None:
    """Its cause stands far before it."""
    engine = Engine(with_broken("risk", "payer/B-1"), partitions=1)
    await play(engine, side_by_side(3))
    silent = await ask(engine.tables, DEFAULTS)
    await mend(engine, "risk")
    want_retried(engine, "event_failed", "flow_parked")
    await engine.settle()
    rows = engine.log
    retried = next(r for r in rows if r.type.endswith("assessed.v1") and "P-1" in r.data)

    whole = await ask(engine.tables, DEFAULTS)
    end = await ask(engine.tables, DEFAULTS, after=retried.position - 1)

    assert [left.reason for left in silent.left] == [Reason.NO_EVENT]
    assert silent.left[0].detail == "risk reacts to it"
    assert (whole.differences, whole.left) == ([], [])
    assert (end.differences, end.left) == ([], [])
    assert end.answer.decisions > 0


async def test_what_stands_in_no_inbox_is_listed_with_its_reason() -> None:
    """Nothing is skipped in silence."""
    engine = Engine()
    await play(engine, stages(1)[:1])
    opened = engine.log[0].causation_id
    await engine.send("accounts.open_account.v1", {"account_id": "B-1"}, id=opened)
    await engine.send("accounts.open_account.v1", {"account_id": "B-9", "kind": "?"})
    await engine.settle()
    lost = engine.log[1].causation_id
    stored = engine.tables.inbox[lost]
    answer = replace(stored.answer, body=CommandBody("", "{}", BODY_LOST))
    engine.tables.inbox[lost] = stored._replace(answer=answer)

    asked = await ask(engine.tables, DEFAULTS)

    assert {left.reason for left in asked.left} == HARMLESS | {Reason.BODY_LOST}
    assert len(asked.left) == 3
    assert asked.answer.first_left[Reason.BODY_LOST] == 2
