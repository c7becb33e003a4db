"""Channel order, sandbox: a bank or card scheme that answers by what its token says (contract).

Cards `card_fail*` are declined, `card_slow*` settle after two seconds, others settle; banks
`bank_fail*` refuse, others pay.
"""

from datetime import timedelta
from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from danbao.contracts import channel as m
from danbao.contracts.decider import Deadline, Decider, Decision
from danbao.contracts.facts import Facts
from danbao.contracts.money import Money

SLOW_FOR = timedelta(seconds=2)


class Order(msgspec.Struct, frozen=True, omit_defaults=True):
    """One order; `status` is empty before it is submitted."""

    status: Literal["", "accepted", "succeeded", "failed", "received"] = ""
    accepted: m.OrderAccepted | None = None
    minor: int = 0
    currency: str = ""


OrderEvent = m.OrderAccepted | m.OrderSucceeded | m.OrderFailed | m.FundsReceived


def decide(
    wish: m.SubmitOrder | m.CompleteOrder | m.RecordReceipt, order: Order, facts: Facts
) -> Decision:
    """Answer as the bank would."""
    match wish:
        case m.SubmitOrder():
            return [] if order.status else [_submit(wish, facts)]
        case m.CompleteOrder():
            accepted = order.accepted
            if order.status != "accepted" or accepted is None or facts.now < accepted.due_at:
                return []
            return [_succeeded(accepted)]
        case m.RecordReceipt():
            if order.status != "succeeded":
                return []
            name = m.order_id("top_up", wish.reference)
            return [m.FundsReceived(order_id=name, amount=Money(order.minor, order.currency))]
        case _:
            assert_never(wish)


def _submit(wish: m.SubmitOrder, facts: Facts) -> OrderEvent:
    """Answer at once, or accept and answer later."""
    accepted = m.OrderAccepted(
        order_id=m.order_id(wish.kind, wish.reference),
        kind=wish.kind,
        reference=wish.reference,
        account_id=wish.account_id,
        amount=wish.amount,
        due_at=facts.now + SLOW_FOR,
    )
    if wish.kind == "payout" and wish.token.startswith("bank_fail"):
        return _failed(accepted, "bank_account_closed")
    if wish.kind == "top_up" and wish.token.startswith("card_fail"):
        return _failed(accepted, "card_declined")
    if wish.kind == "top_up" and wish.token.startswith("card_slow"):
        return accepted
    return _succeeded(accepted)


def _succeeded(accepted: m.OrderAccepted) -> m.OrderSucceeded:
    return m.OrderSucceeded(
        order_id=accepted.order_id,
        kind=accepted.kind,
        reference=accepted.reference,
        account_id=accepted.account_id,
        amount=accepted.amount,
    )


def _failed(accepted: m.OrderAccepted, reason: str) -> m.OrderFailed:
    return m.OrderFailed(
        order_id=accepted.order_id,
        kind=accepted.kind,
        reference=accepted.reference,
        account_id=accepted.account_id,
        amount=accepted.amount,
        reason=reason,
    )


def evolve(order: Order, event: OrderEvent) -> Order:
    """Apply one fact."""
    match event:
        case m.OrderAccepted():
            return Order(status="accepted", accepted=event)
        case m.OrderSucceeded():
            return Order("succeeded", None, event.amount.minor, event.amount.currency)
        case m.OrderFailed():
            return Order(status="failed")
        case m.FundsReceived():
            return replace(order, status="received")
        case _:
            assert_never(event)


def timers(order: Order) -> tuple[Deadline, ...]:
    """A slow order is completed when its time has come."""
    if order.accepted is None:
        return ()
    complete = m.CompleteOrder(
        order_id=order.accepted.order_id, account_id=order.accepted.account_id, generation=1
    )
    return (Deadline(order.accepted.due_at, complete),)


def stream_of(wish: m.SubmitOrder | m.CompleteOrder | m.RecordReceipt) -> str:
    """The order's stream."""
    match wish:
        case m.SubmitOrder():
            return f"order/{m.order_id(wish.kind, wish.reference)}"
        case m.CompleteOrder():
            return f"order/{wish.order_id}"
        case m.RecordReceipt():
            return f"order/{m.order_id('top_up', wish.reference)}"
        case _:
            assert_never(wish)


decider = Decider(
    category="order",
    initial=Order(),
    decide=decide,
    evolve=evolve,
    timers=timers,
    stream_of=stream_of,
    commands=(m.SubmitOrder, m.CompleteOrder, m.RecordReceipt),
    events=(m.OrderAccepted, m.OrderSucceeded, m.OrderFailed, m.FundsReceived),
)
