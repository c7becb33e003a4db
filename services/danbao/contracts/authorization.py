"""Authorization on the wire: may this payment happen, and the buyer's money going into escrow."""

from typing import ClassVar, Literal

from danbao.contracts import policy, rejection
from danbao.contracts.message import Command, Event, Id, Reaction
from danbao.contracts.money import Amount, Money
from danbao.contracts.rejection import DeclineCode

Method = Literal["balance"]
RiskDecision = Literal["approve", "challenge", "decline"]


class AuthorizePayment(Command, frozen=True, kw_only=True):
    """Pay for a trade out of the payer's wallet."""

    KEY: ClassVar = "trade_id"

    payment_id: Id
    trade_id: Id
    payer: Id
    amount: Amount
    method: Method
    device_id: Id | None = None
    ip: Id | None = None


class PublishPolicy(policy.PublishPolicy, frozen=True, kw_only=True):
    """Put a new version of a policy of this service in force."""


class ConcludePayment(Reaction, frozen=True, kw_only=True):
    """Risk has spoken: capture the payment or decline it."""

    payment_id: str
    payer: str
    decision: RiskDecision


class PaymentRequested(Event, frozen=True, kw_only=True):
    """A payment awaits its risk assessment; no money moved yet."""

    STREAM: ClassVar = "payment/{payment_id}"

    payment_id: str
    trade_id: str
    payer: str
    amount: Money
    method: Method
    device_id: str | None = None
    ip: str | None = None


class PaymentCaptured(Event, frozen=True, kw_only=True):
    """The payer's money is held for the trade."""

    STREAM: ClassVar = "payment/{payment_id}"

    payment_id: str
    trade_id: str
    payer: str
    amount: Money


class PaymentDeclined(Event, frozen=True, kw_only=True):
    """The payment does not happen; no money moved."""

    STREAM: ClassVar = "payment/{payment_id}"

    payment_id: str
    trade_id: str
    payer: str
    amount: Money
    code: DeclineCode


class PolicyPublished(policy.PolicyPublished, frozen=True, kw_only=True):
    """A version of a policy of this service exists."""


class CommandRejected(rejection.CommandRejected, frozen=True, kw_only=True):
    """A command to this service was refused."""
