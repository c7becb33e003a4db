"""Risk on the wire: assessments of payments, and the block list."""

from datetime import datetime
from typing import ClassVar, Literal

import msgspec

from danbao.contracts import policy, rejection
from danbao.contracts.authorization import RiskDecision
from danbao.contracts.message import Command, Event, Id, Reaction, Text
from danbao.contracts.money import Money

ListName = Literal["block"]
EntryKind = Literal["account", "device", "ip"]
Reason = Literal["amount_over_limit", "listed", "velocity_payer"]


class AddToList(Command, frozen=True, kw_only=True):
    """Put an account, a device or an address on the block list."""

    KEY: ClassVar = "value"

    list: ListName
    kind: EntryKind
    value: Id
    reason: Text


class RemoveFromList(Command, frozen=True, kw_only=True):
    """Take an entry off the block list."""

    KEY: ClassVar = "value"

    list: ListName
    kind: EntryKind
    value: Id
    reason: Text


class PublishPolicy(policy.PublishPolicy, frozen=True, kw_only=True):
    """Put a new version of a policy of this service in force."""


class AssessPayment(Reaction, frozen=True, kw_only=True):
    """A payment was requested at `requested_at`: say whether it is too risky."""

    payment_id: str
    payer: str
    amount: Money
    requested_at: datetime
    device_id: str | None = None
    ip: str | None = None


class Features(msgspec.Struct, frozen=True, kw_only=True):
    """All that an assessment used, so that it can be replayed to the same answer."""

    amount: Money
    requested_at: datetime
    listed: tuple[str, ...]
    payments_in_window: int


class PaymentAssessed(Event, frozen=True, kw_only=True):
    """The verdict on one payment.  `score` is 0 (harmless) to 100."""

    STREAM: ClassVar = "payer/{payer}"

    payment_id: str
    payer: str
    decision: RiskDecision
    score: int
    reasons: tuple[Reason, ...]
    rules_version: int
    features: Features


class ListEntryAdded(Event, frozen=True, kw_only=True):
    """The value is on the list."""

    STREAM: ClassVar = "list/{kind}/{value}"

    list: ListName
    kind: EntryKind
    value: str
    reason: str


class ListEntryRemoved(Event, frozen=True, kw_only=True):
    """The value is no longer on the list."""

    STREAM: ClassVar = "list/{kind}/{value}"

    list: ListName
    kind: EntryKind
    value: str
    reason: str


class PolicyPublished(policy.PolicyPublished, frozen=True, kw_only=True):
    """A version of a policy of this service exists."""


class CommandRejected(rejection.CommandRejected, frozen=True, kw_only=True):
    """A command to this service was refused."""
