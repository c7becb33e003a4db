"""Channel on the wire: orders to banks and card schemes, and what they answered."""

from datetime import datetime
from typing import ClassVar, Literal

from danbao.contracts import policy, rejection
from danbao.contracts.message import Event, Id, Reaction, Timer
from danbao.contracts.money import Money

OrderKind = Literal["top_up", "payout"]


class PublishPolicy(policy.PublishPolicy, frozen=True, kw_only=True):
    """Put a new version of a policy of this service in force."""


class CompleteOrder(Timer, frozen=True, kw_only=True):
    """The slow bank has answered by now."""

    KEY: ClassVar = "account_id"

    order_id: str
    account_id: Id


class SubmitOrder(Reaction, frozen=True, kw_only=True):
    """Collect a top-up from a card, or pay a payout to a bank; `token` names card or bank."""

    kind: OrderKind
    reference: str
    account_id: str
    amount: Money
    token: str


class RecordReceipt(Reaction, frozen=True, kw_only=True):
    """A top-up was credited: its money reaches our bank."""

    reference: str


class OrderAccepted(Event, frozen=True, kw_only=True):
    """The channel works on the order and answers at `due_at`."""

    STREAM: ClassVar = "order/{order_id}"

    order_id: str
    kind: OrderKind
    reference: str
    account_id: str
    amount: Money
    due_at: datetime


class OrderSucceeded(Event, frozen=True, kw_only=True):
    """The channel did what was ordered."""

    STREAM: ClassVar = "order/{order_id}"

    order_id: str
    kind: OrderKind
    reference: str
    account_id: str
    amount: Money


class OrderFailed(Event, frozen=True, kw_only=True):
    """The channel could not do what was ordered; no money moved there."""

    STREAM: ClassVar = "order/{order_id}"

    order_id: str
    kind: OrderKind
    reference: str
    account_id: str
    amount: Money
    reason: str


class FundsReceived(Event, frozen=True, kw_only=True):
    """The money of a top-up is in our bank account."""

    STREAM: ClassVar = "order/{order_id}"

    order_id: str
    amount: Money


class PolicyPublished(policy.PolicyPublished, frozen=True, kw_only=True):
    """A version of a policy of this service exists."""


class CommandRejected(rejection.CommandRejected, frozen=True, kw_only=True):
    """A command to this service was refused."""


def order_id(kind: OrderKind, reference: str) -> str:
    """Name of the order for a top-up or payout."""
    return f"{kind}:{reference}"
