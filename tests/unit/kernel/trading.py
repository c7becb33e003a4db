"""Trades for the tests of the whole engine, and what must always be so."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final
from uuid import NAMESPACE_OID, uuid5

from danbao.app import SERVICES
from danbao.contracts.chart import is_guarded
from danbao.kernel.messages import LogRow
from danbao.testing.engine import Engine

PRICE: Final = 10_000


Commands = list[tuple[str, dict[str, object], str]]
"""Type, data and id."""


TIME: Final = re.compile(r'"20\d\d-\d\d-\d\dT[0-9:.]+Z"')


def cny(minor: int) -> dict[str, object]:
    """An amount in fen."""
    return {"minor": minor, "currency": "CNY"}


def command_id(name: str) -> str:
    """An id that follows from a name."""
    return str(uuid5(NAMESPACE_OID, name))


def stages(n: int, price: int = PRICE) -> list[Commands]:
    """One trade from top-up to shipping, in stages that wait for each other."""
    plan: list[list[tuple[str, dict[str, object]]]] = [
        [
            (
                "accounts.open_account.v1",
                {"account_id": f"B-{n}", "kind": "personal", "currency": "CNY"},
            ),
            (
                "accounts.open_account.v1",
                {
                    "account_id": f"S-{n}",
                    "kind": "merchant",
                    "currency": "CNY",
                    "payout_bank": "bank_ok",
                },
            ),
        ],
        [
            (
                "accounts.top_up.v1",
                {
                    "top_up_id": f"U-{n}",
                    "account_id": f"B-{n}",
                    "amount": cny(price),
                    "bank_card": "card_ok",
                },
            ),
            (
                "escrow.create_trade.v1",
                {
                    "trade_id": f"T-{n}",
                    "buyer": f"B-{n}",
                    "seller": f"S-{n}",
                    "amount": cny(price),
                    "title": "红茶",
                },
            ),
        ],
        [
            (
                "authorization.authorize_payment.v1",
                {
                    "payment_id": f"P-{n}",
                    "trade_id": f"T-{n}",
                    "payer": f"B-{n}",
                    "amount": cny(price),
                    "method": "balance",
                },
            )
        ],
        [("escrow.ship_trade.v1", {"trade_id": f"T-{n}", "carrier": "SF", "tracking_no": "1"})],
        [("escrow.confirm_receipt.v1", {"trade_id": f"T-{n}"})],
        [("settlement.close_window.v1", {"merchant": f"S-{n}", "currency": "CNY"})],
    ]
    return [
        [(kind, data, command_id(f"{kind}/{number}/{n}")) for number, (kind, data) in enumerate(st)]
        for st in plan
    ]


async def play(engine: Engine, plan: Sequence[Commands]) -> None:
    """Send one stage after the other, each once the one before is settled."""
    for stage in plan:
        for kind, data, name in stage:
            await engine.send(kind, data, id=name)
        await engine.settle()


def side_by_side(flows: int) -> list[Commands]:
    """Several trades at once, stage by stage."""
    plans = [stages(n) for n in range(flows)]
    return [[command for plan in plans for command in plan[k]] for k in range(len(plans[0]))]


def facts(log: Sequence[LogRow]) -> set[tuple[object, ...]]:
    """The log as a set: what is so, not in which order it was written."""
    return {(row.stream, row.version, row.type, TIME.sub("null", row.data)) for row in log}


def check(engine: Engine) -> None:
    """Hold what is always so: no gaps, one answer a command, money that adds up."""
    log = engine.log
    assert [row.position for row in log] == list(range(1, len(log) + 1))
    assert [row.recorded_at for row in log] == sorted(row.recorded_at for row in log)
    versions: Counter[str] = Counter()
    for row in log:
        versions[row.stream] += 1
        assert row.version == versions[row.stream], row
    states = engine.tables.states
    assert {name: stored.version for name, stored in states.items()} == {
        name: count for name, count in versions.items() if not name.startswith("rejection/")
    }
    balances = engine.balances()
    guarded = {account: minor for account, minor in balances.items() if is_guarded(account[0])}
    assert guarded == {a: minor for a, minor in engine.tables.balances.items() if minor}
    assert all(minor >= 0 for minor in balances.values())
    published = [
        int(dict(record.headers)["ce_sequence"])
        for service in SERVICES
        for record in engine.broker.records(f"danbao.{service}.events")
    ]
    assert sorted(published) == [row.position for row in log]


def outcome(engine: Engine) -> tuple[set[tuple[object, ...]], dict[tuple[str, str], int]]:
    """What became of it all."""
    check(engine)
    assert engine.dead_letters == []
    return facts(engine.log), engine.balances()


async def run(plan: Sequence[Commands], engine: Engine) -> Engine:
    """Play a plan through an engine."""
    await play(engine, plan)
    return engine


FLOWS: Final = 3


PLAN: Final = side_by_side(FLOWS)
