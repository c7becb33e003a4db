"""A whole market day decided again: nothing differs unless a policy does."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from uuid import UUID

import pytest
from tests.load.market import play_market
from tests.unit.whatif import memory_history
from tests.unit.whatif.asking import DEFAULTS, HARMLESS, ask

from danbao.kernel.memory.tables import Tables
from danbao.kernel.messages import LogRow
from danbao.whatif import walk

TRADES = 80
SEED = 11


@pytest.fixture(scope="module")
def day() -> Tables:
    """One day, with every mishap that the market knows."""
    return asyncio.run(play_market(TRADES, SEED, UUID(int=5)))


def events(day: Tables, name: str) -> Iterator[tuple[LogRow, dict[str, object]]]:
    """The events of a type, read without the engine's own types."""
    for row in day.log:
        if row.type == name:
            yield row, json.loads(row.data)


def decisions(day: Tables) -> int:
    """How many decisions the log has, counted without the code that cuts them."""
    answers = {
        position: name
        for name, stored in day.inbox.items()
        for position in range(stored.first_position, stored.last_position + 1)
    }
    reactions = {
        (
            row.causation_id,
            row.type.split(".")[0],
            row.stream.startswith("rejection/") and row.stream,
        )
        for row in day.log
        if row.position not in answers
    }
    return len(set(answers.values())) + len(reactions)


async def test_with_unchanged_policies_every_event_is_the_same_to_the_byte(day: Tables) -> None:
    """The oracle: what is made again is what was recorded, so a difference means something."""
    asked = await ask(day, DEFAULTS)

    assert asked.differences == []
    assert {left.reason for left in asked.left} <= HARMLESS
    assert asked.answer.events == len(day.log)
    assert asked.answer.decisions == decisions(day)
    assert asked.answer.redecided == asked.answer.decisions - len(asked.left)
    assert asked.answer.redecided > 0.95 * decisions(day)


async def test_parts_and_little_memory_give_what_the_whole_gives(
    day: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stretch is answered by itself: what went before is made again from the log."""
    policies = {
        "settlement.fee": {"fee_bps": 75},
        "risk.payment_rules": {"velocity_payments_max": 1},
    }
    whole = await ask(day, policies)
    for module in (walk, memory_history):  # streams are read two events at a time
        monkeypatch.setattr(module, "STREAM_ROWS_MAX", 2)
    cuts = [0, 1, 97, 500, len(day.log) // 2, len(day.log) - 1, len(day.log)]

    parts = [await ask(day, policies, after, upto, held_max=7) for after, upto in pairwise(cuts)]

    assert [each for part in parts for each in part.differences] == whole.differences
    assert whole.differences
    assert sum(part.answer.redecided for part in parts) == whole.answer.redecided


async def test_another_fee_gives_exactly_the_fees_computed_by_hand(day: Tables) -> None:
    """A finance analyst adds the same up in a spreadsheet."""
    expected: Counter[tuple[str, str]] = Counter()
    changed = []
    for row, data in events(day, "settlement.credit_recorded.v1"):
        gross, fee = data["gross"], data["fee"]
        assert isinstance(gross, dict)
        assert isinstance(fee, dict)
        other = round(Fraction(gross["minor"] * 85, 10_000))  # half to even
        expected[str(data["merchant"]), gross["currency"]] += other - fee["minor"]
        changed.append(row.position)

    asked = await ask(day, {"settlement.fee": {"fee_bps": 85}})

    assert [each.position for each in asked.differences] == changed
    assert {each.decision for each in asked.differences} == {"settlement.credit_recorded.v1"}
    found = {
        (merchant, currency): minor
        for merchant, sums in asked.answer.by_merchant.items()
        for (what, currency), minor in sums.money.items()
        if what == "fee"
    }
    assert found == expected
    total = Counter[str]()
    for (_, currency), minor in expected.items():
        total[currency] += minor
    assert asked.answer.total.money == {("fee", code): minor for code, minor in total.items()}
    first = asked.differences[0].changed()
    assert first["fee_bps"] == (60, 85)
    assert set(first) == {"fee.minor", "fee_bps", "net.minor"}


async def test_a_lower_limit_declines_exactly_the_payments_above_it(day: Tables) -> None:
    """Risk sees whom a new limit would hit before it does."""
    limit = 30_000
    sellers = {
        data["trade_id"]: data["seller"] for _, data in events(day, "escrow.trade_created.v1")
    }
    trades = {
        data["payment_id"]: data["trade_id"]
        for _, data in events(day, "authorization.payment_requested.v1")
    }
    expected: Counter[str] = Counter()
    positions = []
    for row, data in events(day, "risk.payment_assessed.v1"):
        features = data["features"]
        assert isinstance(features, dict)
        if features["amount"]["minor"] <= limit:
            continue
        if "amount_over_limit" in data["reasons"]:  # type: ignore[operator]
            continue
        positions.append(row.position)
        if data["decision"] == "approve":
            seller = sellers.get(trades[data["payment_id"]], "")
            expected[str(seller)] += features["amount"]["minor"]

    asked = await ask(day, {"risk.payment_rules": {"single_payment_minor_max": limit}})

    assert positions
    assert [each.position for each in asked.differences] == positions
    found = Counter[str]()
    for merchant, sums in asked.answer.by_merchant.items():
        for (what, _), minor in sums.money.items():
            assert what == "declined"
            found[merchant] += minor
    assert found == expected


async def test_other_deadlines_move_no_money(day: Tables) -> None:
    """A trade gets other deadlines only where its command named none."""
    bodies = {name: json.loads(stored.answer.body.text) for name, stored in day.inbox.items()}
    fields = {"pay_within_s", "ship_within_s", "auto_confirm_s"}
    expected = [
        row.position
        for row, _ in events(day, "escrow.trade_created.v1")
        if not fields <= {k for k, v in bodies[row.causation_id]["data"].items() if v is not None}
    ]
    expected += [row.position for row, _ in events(day, "escrow.refund_applied.v1")]

    body = dict.fromkeys((*fields, "refund_answer_within_s"), 77_777)
    asked = await ask(day, {"escrow.deadlines": body})

    assert [each.position for each in asked.differences] == sorted(expected)
    assert asked.answer.total.money == {}
