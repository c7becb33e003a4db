"""What a simulated market day promises to those who publish it."""

import gzip
import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.testing.market_run import counts, run

from danbao.publisher.commandfile import parse_lines, read_command_file
from danbao.testing.market import MarketDay, encode_lines, simulate_market, write_market
from danbao.testing.market_plan import SCENES, Tally

Line = dict[str, Any]
DAY = simulate_market(600, seed=7)


def commands(day: MarketDay) -> list[Line]:
    """All lines of a day that publish something."""
    return [line for file in day.files for line in file if "type" in line]


def scenes(day: MarketDay) -> Counter[str]:
    """How often each scene is played."""
    return Counter(scene.name for _, scene in day._plan.deals(Tally()))


@given(
    trades=st.integers(min_value=1, max_value=400),
    seed=st.integers(min_value=-1, max_value=10**12),
    order=st.integers(min_value=0, max_value=3),
    in_flight=st.sampled_from([1, 7, 1_000]),
)
@settings(max_examples=25, deadline=None)
def test_every_flow_ends_in_any_order_of_delivery(
    trades: int, seed: int, order: int, in_flight: int
) -> None:
    """Nobody waits for an event that chance may withhold, and no money stays in between."""
    market = run(simulate_market(trades, seed).files, Random(order), in_flight)

    assert all(t.paid == t.released + t.refunded for t in market.trades.values())
    assert {t.state for t in market.trades.values()} <= {"TRADE_SUCCESS", "TRADE_CLOSED"}
    merchants = [a for a in market.accounts.values() if a.kind == "merchant"]
    assert all(m.available == m.pending == 0 for m in merchants)


@pytest.mark.slow
def test_the_outcome_does_not_depend_on_the_order() -> None:
    """Two runs of a day may be compared: same events by type, same codes, same money."""
    first, second = (run(DAY.files, Random(order), 300) for order in (1, 2))

    assert counts(first) == counts(second)
    assert first.accounts == second.accounts
    assert first.trades == second.trades


def test_a_day_has_every_answer_of_the_contract_that_a_day_can_have() -> None:
    """What goes wrong in life goes wrong here: one day shows nearly every code."""
    market = run(DAY.files, Random(1), 300)
    codes = {code.split("/")[1] for code in market.codes}

    assert codes == {
        *("account_exists", "account_frozen", "account_unknown", "already_frozen"),
        *("already_paid", "bank_account_closed", "buyer_is_seller", "cancelled"),
        *("command_id_reused", "currency_mismatch", "entry_exists", "entry_unknown"),
        *("extension_limit", "insufficient_funds", "invalid_command", "not_allowed"),
        *("not_frozen", "pay_timeout", "payment_exists", "payout_bank_missing", "refund_exceeds"),
        *("refund_exists", "refund_open", "refund_unknown", "refunded", "risk_declined"),
        *("seller_not_merchant", "seller_unknown", "top_up_exists", "trade_closed"),
        *("trade_exists", "trade_frozen", "trade_unknown", "window_empty", "wrong_amount"),
        *("wrong_currency", "wrong_payer", "wrong_state"),
    }
    assert max(market.payments_of.values()) == 31
    assert sum(count > 24 for count in market.payments_of.values()) == 1


def test_two_days_go_into_one_engine() -> None:
    """Another seed shares no account, trade, list entry or command, and both days end."""
    one, two = simulate_market(300, seed=1), simulate_market(300, seed=11)
    keys = [{line["partitionkey"] for file in day.files for line in file} for day in (one, two)]
    ids = [{line["id"] for line in commands(day)} for day in (one, two)]

    assert not keys[0] & keys[1]
    assert not ids[0] & ids[1]
    run([*one.files, *two.files], Random(1))


@pytest.mark.parametrize("trades", [0, 1, 60, 700])
def test_the_same_seed_gives_the_same_bytes(trades: int, tmp_path: Path) -> None:
    """A run can be repeated from its seed, also from another process or at another time."""
    first = write_market(simulate_market(trades, seed=3), tmp_path / "a")
    second = write_market(simulate_market(trades, seed=3), tmp_path / "b")

    assert [path.name for path in first] == [
        "1-accounts.jsonl.gz",
        "2-trades.jsonl.gz",
        "3-windows.jsonl.gz",
    ]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_file_holds_the_lines_of_the_day(tmp_path: Path) -> None:
    """What is written is what is simulated, as the publisher reads it."""
    paths = write_market(DAY, tmp_path)

    for path, lines in zip(paths, DAY.files, strict=True):
        assert gzip.decompress(path.read_bytes()) == b"".join(encode_lines(lines))
        assert list(read_command_file(path)) == list(parse_lines(encode_lines(lines), str(path)))


def test_ids_are_ordered_in_time_and_used_once() -> None:
    """Version 7 ids keep indexes warm; only planned repeats and reuses share one."""
    lines = commands(DAY)
    by_id: dict[str, set[str]] = {}
    for line in lines:
        assert UUID(line["id"]).version == 7
        body = {name: line.get(name) for name in ("type", "partitionkey", "data", "actor")}
        by_id.setdefault(line["id"], set()).add(json.dumps(body, sort_keys=True))
    order = [line["id"] for line in lines]

    reused = scenes(DAY)["reused_id"]
    assert sum(len(bodies) - 1 for bodies in by_id.values()) == 2 * reused
    assert sum(one <= two for one, two in pairwise(order)) > 0.85 * len(order)
    assert 0 < len(lines) - len(by_id) < 0.05 * len(lines)


def test_a_day_is_mostly_happy_and_has_every_scene() -> None:
    """About seven trades of ten meet no trouble, and each kind of trouble occurs."""
    played = scenes(simulate_market(5_000, seed=2))

    happy = played["plain"] + played["confirmed_by_timer"] + played["extended"]
    assert 0.66 < happy / 5_000 < 0.74
    assert set(played) == {scene.name for scene in SCENES}
    assert played["too_many_payments"] == 1


def test_trades_run_side_by_side() -> None:
    """Flows are mixed as on a real market, each in its own order."""
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for number, line in enumerate(simulate_market(3_000, seed=2).trades):
        first.setdefault(line["partitionkey"], number)
        last[line["partitionkey"]] = number

    starts = list(first.values())
    open_at_middle = sum(first[key] < starts[1_500] < last[key] for key in first)
    assert 100 < open_at_middle < 1_000


def test_merchants_follow_zipf_and_both_currencies_and_languages_occur() -> None:
    """The largest merchant is hot, as the engine must bear; prices spread over decades."""
    created = [
        line["data"]
        for line in simulate_market(5_000, seed=2).trades
        if line.get("type") == "escrow.create_trade.v1" and "seller" in line["data"]
    ]
    sellers = Counter(data["seller"] for data in created).most_common()
    prices = sorted(data["amount"]["minor"] for data in created)
    titles = "".join(data["title"] for data in created)

    assert sellers[0][0] == "M2-0"
    assert 1.5 < sellers[0][1] / sellers[1][1] < 3.0
    assert {"CNY", "USD"} <= {data["amount"]["currency"] for data in created}
    assert prices[len(prices) // 100] * 50 < prices[-len(prices) // 100]
    assert re.search(r"[\u4e00-\u9fff]", titles)
    assert "fountain pen" in titles


def test_some_payments_say_where_they_come_from_and_some_commands_who_sends_them() -> None:
    """Devices, addresses and actors are optional on the wire, so both cases occur."""
    payments = [line for line in commands(DAY) if "authorize_payment" in line["type"]]
    actors = Counter(line.get("actor", "").split(":")[0] for line in commands(DAY))

    assert 0.1 < sum("device_id" in line["data"] for line in payments) / len(payments) < 0.6
    assert sum("ip" in line["data"] for line in payments) > 10
    assert set(actors) == {"", "buyer", "seller", "operator"}
