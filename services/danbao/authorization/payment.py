"""Payment: requested, assessed by risk, then captured or declined.

Capture moves the payer's money into escrow; a declined payment moves nothing.  Decline codes are
checked in the order of `DeclineCode` (contract, "Order where several apply").
"""

from typing import Literal, assert_never

import msgspec

from danbao.contracts import authorization as m
from danbao.contracts.actor import refuse_actor
from danbao.contracts.chart import wallet
from danbao.contracts.decider import NOTHING, Decider, Decision, Needs, Wish
from danbao.contracts.facts import Facts, account_key
from danbao.contracts.money import Money
from danbao.contracts.rejection import DeclineCode, Rejected, RejectionCode


class Payment(msgspec.Struct, frozen=True, omit_defaults=True):
    """One payment; `status` is empty before it is requested."""

    status: Literal["", "requested", "captured", "declined"] = ""
    trade_id: str = ""
    payer: str = ""
    minor: int = 0
    currency: str = ""


PaymentFact = m.PaymentRequested | m.PaymentCaptured | m.PaymentDeclined


def decide(
    wish: m.AuthorizePayment | m.ConcludePayment, payment: Payment, facts: Facts
) -> Decision:
    """Take a payment in, or conclude it once risk has spoken."""
    match wish:
        case m.AuthorizePayment():
            if refused := refuse_actor(facts.actor, "buyer", wish.payer):
                return refused
            if payment.status:
                return Rejected(RejectionCode.PAYMENT_EXISTS, {"payment_id": wish.payment_id})
            requested = m.PaymentRequested(
                payment_id=wish.payment_id,
                trade_id=wish.trade_id,
                payer=wish.payer,
                amount=wish.amount,
                method=wish.method,
                device_id=wish.device_id,
                ip=wish.ip,
            )
            return [requested]
        case m.ConcludePayment():
            return [] if payment.status != "requested" else _conclude(wish, payment, facts)
        case _:
            assert_never(wish)


def _conclude(wish: m.ConcludePayment, payment: Payment, facts: Facts) -> Decision:
    amount = Money(payment.minor, payment.currency)
    code = _decline_code(wish, payment, facts)
    if code is None:
        captured = m.PaymentCaptured(
            payment_id=wish.payment_id,
            trade_id=payment.trade_id,
            payer=payment.payer,
            amount=amount,
        )
        return [captured]
    declined = m.PaymentDeclined(
        payment_id=wish.payment_id,
        trade_id=payment.trade_id,
        payer=payment.payer,
        amount=amount,
        code=code,
    )
    return [declined]


def _decline_code(wish: m.ConcludePayment, payment: Payment, facts: Facts) -> DeclineCode | None:
    account = facts.account(payment.payer)
    if wish.decision != "approve":
        return DeclineCode.RISK_DECLINED
    if account is None:
        return DeclineCode.ACCOUNT_UNKNOWN
    if account.frozen:
        return DeclineCode.ACCOUNT_FROZEN
    if account.currency != payment.currency:
        return DeclineCode.CURRENCY_MISMATCH
    if facts.balance(wallet(payment.payer), payment.currency) < payment.minor:
        return DeclineCode.INSUFFICIENT_FUNDS
    return None


def needs(wish: Wish, payment: Payment) -> Needs:
    """A conclusion may debit the payer's wallet."""
    if isinstance(wish, m.ConcludePayment) and payment.status == "requested":
        return Needs(
            facts=(account_key(payment.payer),),
            debits=((wallet(payment.payer), payment.currency),),
        )
    return NOTHING


def evolve(payment: Payment, event: PaymentFact) -> Payment:
    """Apply one fact."""
    match event:
        case m.PaymentRequested():
            return Payment(
                status="requested",
                trade_id=event.trade_id,
                payer=event.payer,
                minor=event.amount.minor,
                currency=event.amount.currency,
            )
        case m.PaymentCaptured():
            return msgspec.structs.replace(payment, status="captured")
        case m.PaymentDeclined():
            return msgspec.structs.replace(payment, status="declined")
        case _:
            assert_never(event)


decider = Decider(
    category="payment",
    initial=Payment(),
    decide=decide,
    evolve=evolve,
    needs=needs,
    stream_of=lambda wish: f"payment/{wish.payment_id}",
    commands=(m.AuthorizePayment, m.ConcludePayment),
    events=(m.PaymentRequested, m.PaymentCaptured, m.PaymentDeclined),
)
