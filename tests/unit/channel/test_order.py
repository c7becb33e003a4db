"""What the sandbox channel promises: each token has one answer, given once."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from danbao.channel.order import decider
from danbao.contracts import channel as m
from danbao.contracts.decider import Wish
from danbao.contracts.message import Event
from danbao.ledger.posting import Posting
from danbao.testing.builders import START, fen
from danbao.testing.spec import given

SLOW = timedelta(seconds=2)
SUBMIT = m.SubmitOrder(
    kind="top_up", reference="U-1", account_id="A-1", amount=fen(10_000), token="card_ok_1"
)
COMPLETE = m.CompleteOrder(order_id="top_up:U-1", account_id="A-1", generation=1)
RECEIPT = m.RecordReceipt(reference="U-1")

ACCEPTED = m.OrderAccepted(
    order_id="top_up:U-1",
    kind="top_up",
    reference="U-1",
    account_id="A-1",
    amount=fen(10_000),
    due_at=START + SLOW,
)
SUCCEEDED = m.OrderSucceeded(
    order_id="top_up:U-1", kind="top_up", reference="U-1", account_id="A-1", amount=fen(10_000)
)
FAILED = m.OrderFailed(
    order_id="top_up:U-1",
    kind="top_up",
    reference="U-1",
    account_id="A-1",
    amount=fen(10_000),
    reason="card_declined",
)
RECEIVED = m.FundsReceived(order_id="top_up:U-1", amount=fen(10_000))

SITUATIONS: dict[str, tuple[Event, ...]] = {
    "unknown": (),
    "accepted": (ACCEPTED,),
    "succeeded": (SUCCEEDED,),
    "succeeded late": (ACCEPTED, SUCCEEDED),
    "failed": (FAILED,),
    "received": (SUCCEEDED, RECEIVED),
}
EFFECTS: dict[tuple[str, Wish], str] = {
    ("unknown", SUBMIT): "OrderSucceeded",
    ("accepted", COMPLETE): "OrderSucceeded",
    ("succeeded", RECEIPT): "FundsReceived",
    ("succeeded late", RECEIPT): "FundsReceived",
}


@pytest.mark.parametrize("wish", [SUBMIT, COMPLETE, RECEIPT])
@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_wish_in_every_situation_takes_effect_once_or_not_at_all(
    situation: str, wish: Wish
) -> None:
    """A bank that is asked twice does not pay twice."""
    before = given(decider, *SITUATIONS[situation]).at(START + timedelta(days=1))

    assert before.when(wish).outcome == EFFECTS.get((situation, wish), "nothing")


@pytest.mark.parametrize(
    ("kind", "token", "outcome"),
    [
        ("top_up", "card_ok", "OrderSucceeded"),
        ("top_up", "card_ok_77", "OrderSucceeded"),
        ("top_up", "card_fail", "card_declined"),
        ("top_up", "card_fail_77", "card_declined"),
        ("top_up", "card_slow_77", "OrderAccepted"),
        ("top_up", "bank_fail_77", "OrderSucceeded"),
        ("payout", "bank_ok_77", "OrderSucceeded"),
        ("payout", "bank_fail", "bank_account_closed"),
        ("payout", "bank_fail_77", "bank_account_closed"),
        ("payout", "card_fail_77", "OrderSucceeded"),
    ],
)
def test_the_token_says_what_becomes_of_an_order(
    kind: m.OrderKind, token: str, outcome: str
) -> None:
    """Whoever writes a test against the sandbox chooses the answer by the token."""
    [event] = given(decider).when(replace(SUBMIT, kind=kind, token=token)).events

    assert event.stream == f"order/{kind}:U-1"
    if isinstance(event, m.OrderFailed):
        assert event.reason == outcome
    else:
        assert type(event).__name__ == outcome


def test_a_slow_card_settles_after_two_seconds() -> None:
    """Not a microsecond before, and by a timer of its own."""
    slow = given(decider).when(replace(SUBMIT, token="card_slow_1")).then(ACCEPTED)

    assert [(each.due_at, each.command) for each in slow.timers] == [(START + SLOW, COMPLETE)]
    slow.at(START + SLOW - timedelta(microseconds=1)).when(COMPLETE).then_nothing()
    done = slow.at(START + SLOW).when(COMPLETE).then(SUCCEEDED)
    assert done.timers == ()


def test_the_money_of_a_top_up_reaches_the_bank_once() -> None:
    """What the channel owed us is paid, and the reserve rises by exactly that."""
    answer = given(decider, SUCCEEDED).when(RECEIPT)

    answer.then(RECEIVED).when(RECEIPT).then_nothing()
    assert answer.postings == (Posting("R.CB", "R.CHRECV", 10_000, "CNY"),)


def test_a_top_up_and_a_payout_of_one_name_are_two_orders() -> None:
    """References of different services never collide."""
    payout = replace(SUBMIT, kind="payout")

    assert decider.stream_of(SUBMIT) == "order/top_up:U-1"
    assert decider.stream_of(payout) == "order/payout:U-1"
    assert decider.stream_of(RECEIPT) == decider.stream_of(COMPLETE) == "order/top_up:U-1"
