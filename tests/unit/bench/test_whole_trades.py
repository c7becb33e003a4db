"""What the trades of a measurement are."""

import json
from collections import Counter

from danbao.bench.whole_trades import EVENTS_A_TRADE, STEPS, WholeTrades


def sellers(plan: WholeTrades) -> Counter[str]:
    return Counter(json.loads(line.data)["seller"] for line in plan.steps()[STEPS[0].command])


def test_ids_of_different_seeds_never_meet() -> None:
    """A command of an earlier run would be answered from the inbox, at twice the speed."""
    one, other = (
        {line.id for lines in WholeTrades(200, seed).steps().values() for line in lines}
        for seed in (1, 2)
    )

    assert len(one) == len(other) == 200 * len(STEPS)
    assert not one & other


def test_ids_follow_the_order_of_trades() -> None:
    """As those of a client with version 7 do: indexes grow at one end."""
    for lines in WholeTrades(50, 7).steps().values():
        assert [line.id[:13] for line in lines] == sorted(line.id[:13] for line in lines)


def test_each_step_is_a_backlog_without_waits() -> None:
    steps = WholeTrades(20, 7).steps()

    assert list(steps) == [step.command for step in STEPS]
    assert all(not line.after for lines in steps.values() for line in lines)
    assert EVENTS_A_TRADE == 8


def test_merchants_follow_zipf() -> None:
    counts = sellers(WholeTrades(20_000, 7, merchants=100))
    [(_, first), (_, second)] = counts.most_common(2)

    assert 1.7 < first / second < 2.3


def test_a_hot_merchant_has_its_share_besides() -> None:
    [(_, first)] = sellers(WholeTrades(4_000, 7, merchants=1_000, hot=0.5)).most_common(1)

    assert 0.5 < first / 4_000 < 0.62
