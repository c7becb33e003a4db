"""What the mix of a measurement promises: it ends, and how it ends is known before."""

from collections import Counter
from random import Random

import pytest
from tests.unit.testing.market_run import run

from danbao.bench.mixed_trades import MIX, MixedTrades
from danbao.bench.whole_trades import WholeTrades


def test_shares_add_up() -> None:
    assert sum(scene.share for scene in MIX) == pytest.approx(1)


@pytest.mark.parametrize("kind", [WholeTrades, MixedTrades])
def test_every_trade_ends_as_expected_in_any_order(kind: type[WholeTrades]) -> None:
    """A run is checked against these numbers to the last event: they must be the engine's."""
    plan = kind(400, 7)

    market = run([list(plan.accounts()), list(plan.trades())], Random(1), 50)

    states = Counter(trade.state for trade in market.trades.values())
    assert states["TRADE_SUCCESS"] == plan.expected.credited
    assert sum(states.values()) == 400
    commands = {line["id"] for line in plan.trades() if "type" in line}
    assert plan.expected.commands == len(commands)


def test_what_was_drawn_before_does_not_count_twice() -> None:
    plan = MixedTrades(50, 7)
    first = [len(flow) for flow in plan.flows()], plan.expected

    assert ([len(flow) for flow in plan.flows()], plan.expected) == first
