"""An id stands for one wish: answered once, in one batch or in many."""

import json
from typing import Final

import pytest
from tests.unit.kernel.trading import check, command_id, play, stages

from danbao.testing.engine import Engine

OPEN: Final = "accounts.open_account.v1"


def account(name: str) -> dict[str, object]:
    """A wallet to open."""
    return {"account_id": name, "kind": "personal", "currency": "CNY"}


@pytest.mark.parametrize("records", [1, 2, 3, 500])
@pytest.mark.parametrize("key", ["B-1", "B-2"])
async def test_an_id_is_for_one_body_in_one_batch_or_in_many(records: int, key: str) -> None:
    """The first body wins; each other body is refused once; the same again adds nothing."""
    engine = Engine(partitions=1, batch_records=lambda: records)
    name = command_id("one")
    for data in (account("B-1"), account(key) | {"owner": "o"}, account(key) | {"owner": "p"}):
        for _ in range(2):
            await engine.send(OPEN, data, id=name)
    await engine.settle()
    for data in (account(key) | {"owner": "p"}, account("B-1")):
        await engine.send(OPEN, data, id=name)
    await engine.settle()
    answers = engine.answers(name)
    assert [row.type for row in answers] == [
        "accounts.account_opened.v1",
        "accounts.command_rejected.v1",
        "accounts.command_rejected.v1",
    ]
    codes = [json.loads(row.data)["code"] for row in answers[1:]]
    assert codes == ["command_id_reused"] * 2
    assert [row.partition_key for row in answers] == ["B-1", key, key]
    check(engine)


@pytest.mark.parametrize("settling", [True, False])
async def test_ids_are_one_space_over_all_services(*, settling: bool) -> None:
    """Whoever answers first has the id, also when both decide at the same time."""
    engine = Engine()
    name = command_id("one")
    await engine.send(OPEN, account("B-1"), id=name)
    if settling:
        await engine.settle()
    trade = dict(stages(1)[1][1][1])
    await engine.send("escrow.create_trade.v1", trade, id=name)
    await engine.settle()
    codes = [json.loads(row.data).get("code") for row in engine.answers(name)]
    assert codes == [None, "command_id_reused"]
    check(engine)


async def test_a_refusal_is_final_for_its_id() -> None:
    """What became possible later needs a new id."""
    engine = Engine()
    ship = {"trade_id": "T-1", "carrier": "SF", "tracking_no": "1"}
    refused = await engine.send("escrow.ship_trade.v1", ship)
    await engine.settle()
    assert engine.refusal(refused) == "trade_unknown"
    await play(engine, stages(1)[:3])
    await engine.send("escrow.ship_trade.v1", ship, id=refused)
    await engine.settle()
    assert engine.refusal(refused) == "trade_unknown"
    assert len(engine.answers(refused)) == 1
    later = await engine.send("escrow.ship_trade.v1", ship)
    await engine.settle()
    assert engine.refusal(later) is None
    check(engine)
