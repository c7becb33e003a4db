"""Policies: every deadline, fee, limit and rule, as data with versions, changed only by commands.

Version 0 of each policy is the default below; `publish_policy` adds versions 1, 2, … which are
in the log like everything else.  In force at a moment is the highest version whose
`effective_from` has come.  Events name the versions that they were decided by.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from danbao.contracts.message import Command, Event, Id, Seconds

VELOCITY_PAYMENTS_MAX = 100
"""The most payments of one payer that a velocity rule can count."""


class PublishPolicy(Command, frozen=True, kw_only=True):
    """Put a new version of a policy in force; a moment in the past means: now."""

    KEY: ClassVar = "policy"

    policy: Id
    body: dict[str, object]
    effective_from: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class PolicyPublished(Event, frozen=True, kw_only=True):
    """A version of a policy exists; `body` is complete, not a change."""

    STREAM: ClassVar = "policy/{policy}"

    policy: str
    version: int
    effective_from: datetime
    body: dict[str, object]


class PolicyBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a policy says; every field has the default of version 0."""


class EscrowDeadlines(PolicyBody, frozen=True, kw_only=True):
    """`escrow.deadlines`: how long each party of a trade may take, in seconds."""

    pay_within_s: Seconds = 1_800
    ship_within_s: Seconds = 172_800
    refund_answer_within_s: Seconds = 172_800
    auto_confirm_s: Seconds = 864_000


class SettlementFee(PolicyBody, frozen=True, kw_only=True):
    """`settlement.fee`: our share of what is released, in basis points (1/10,000)."""

    fee_bps: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 60


class SettlementCutOff(PolicyBody, frozen=True, kw_only=True):
    """`settlement.cut_off`: when the windows of merchants close by themselves, each day."""

    enabled: bool = True
    time: Annotated[str, msgspec.Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9](?!\\n)$")] = "00:00"
    time_zone: str = "Asia/Shanghai"

    def __post_init__(self) -> None:
        """Refuse a zone that the zone database does not have."""
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            message = f"`time_zone` {self.time_zone!r} is unknown"
            raise ValueError(message) from error


class RiskPaymentRules(PolicyBody, frozen=True, kw_only=True):
    """`risk.payment_rules`: what makes a payment too risky."""

    single_payment_minor_max: Annotated[int, msgspec.Meta(ge=1)] = 5_000_000
    velocity_payments_max: Annotated[int, msgspec.Meta(ge=1, le=VELOCITY_PAYMENTS_MAX)] = 30
    velocity_window_s: Seconds = 3_600


CATALOGUE: Mapping[str, type[PolicyBody]] = {
    "escrow.deadlines": EscrowDeadlines,
    "settlement.fee": SettlementFee,
    "settlement.cut_off": SettlementCutOff,
    "risk.payment_rules": RiskPaymentRules,
}


def service_of(policy: str) -> str:
    """The service that a policy belongs to: the part before the dot."""
    return policy.split(".", 1)[0]
