"""Which events the core has, on which stream each lies and which fields it must carry.

Source: contract.md, "Commands and events of the core" and "Streams and their owners". Only
fields that the contract spells out for the *event* are required; more may be added at any
time, and types that are not listed here may occur ("Where you may add").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SERVICES: Final = ("accounts", "authorization", "escrow", "settlement", "risk", "channel")

OWNERS: Final = {
    "account": "accounts",
    "topup": "accounts",
    "payment": "authorization",
    "payer": "risk",
    "list": "risk",
    "trade": "escrow",
    "return": "escrow",
    "merchant": "settlement",
    "order": "channel",
    "policy": "",  # the service of the policy
    "rejection": "",  # the service refusing
}
"""The service that writes streams of each prefix; empty where several do."""

REJECTION: Final = "command_rejected.v1"
REUSED: Final = "command_id_reused"


@dataclass(frozen=True, slots=True)
class Shape:
    """What one event type looks like: its stream, and its fields by kind.

    `amounts` are Money of at least 1, `sums` Money of at least 0. `subject` is the field that
    the stream is named after, when the contract says so.
    """

    prefix: str
    subject: str = ""
    texts: tuple[str, ...] = ()
    amounts: tuple[str, ...] = ()
    sums: tuple[str, ...] = ()
    integers: tuple[str, ...] = ()


def _shape(prefix: str, subject: str = "", texts: str = "", **kinds: str) -> Shape:
    """Write a shape with its fields in one string a kind."""
    named = {kind: tuple(names.split()) for kind, names in kinds.items()}
    return Shape(prefix, subject, (*((subject,) if subject else ()), *texts.split()), **named)


_ACCOUNT: Final = _shape("account")
_TRADE: Final = _shape("trade")
_PAYOUT: Final = _shape("merchant", "merchant", "payout_id", amounts="amount")

SHAPES: Final[dict[str, Shape]] = {
    "accounts.account_opened.v1": _shape("account", "account_id", "kind currency"),
    "accounts.account_frozen.v1": _ACCOUNT,
    "accounts.account_unfrozen.v1": _ACCOUNT,
    "accounts.payout_bank_set.v1": _ACCOUNT,
    "accounts.top_up_requested.v1": _shape("topup"),
    "accounts.top_up_settled.v1": _shape("topup", "top_up_id", "account_id", amounts="amount"),
    "accounts.top_up_failed.v1": _shape(
        "topup", "top_up_id", "account_id reason", amounts="amount"
    ),
    "authorization.payment_requested.v1": _shape("payment"),
    "authorization.payment_captured.v1": _shape(
        "payment", "payment_id", "trade_id payer", amounts="amount"
    ),
    "authorization.payment_declined.v1": _shape(
        "payment", "payment_id", "trade_id payer code", amounts="amount"
    ),
    "risk.payment_assessed.v1": _shape("payer", "payer", "payment_id decision"),
    "risk.list_entry_added.v1": _shape("list"),
    "risk.list_entry_removed.v1": _shape("list"),
    "escrow.trade_created.v1": _shape("trade", "trade_id", "buyer seller", amounts="amount"),
    "escrow.trade_funded.v1": _shape("trade", "trade_id", "payment_id payer", amounts="amount"),
    "escrow.payment_returned.v1": _shape(
        "return", "payment_id", "trade_id payer reason", amounts="amount"
    ),
    "escrow.trade_shipped.v1": _TRADE,
    "escrow.receipt_extended.v1": _TRADE,
    "escrow.trade_released.v1": _shape("trade", "trade_id", "seller cause", amounts="amount"),
    "escrow.trade_closed.v1": _shape("trade", "trade_id", "reason"),
    "escrow.refund_applied.v1": _shape("trade", "", "refund_id", amounts="amount"),
    "escrow.trade_refunded.v1": _shape("trade", "trade_id", "refund_id buyer", amounts="amount"),
    "escrow.refund_refused.v1": _TRADE,
    "escrow.refund_cancelled.v1": _TRADE,
    "escrow.trade_frozen.v1": _TRADE,
    "escrow.trade_unfrozen.v1": _TRADE,
    "settlement.credit_recorded.v1": _shape(
        "merchant",
        "merchant",
        "trade_id window_id",
        amounts="gross",
        sums="fee net",
        integers="fee_bps",
    ),
    "settlement.window_closed.v1": _shape(
        "merchant",
        "merchant",
        "window_id",
        sums="gross fee net",
        integers="count first_version last_version",
    ),
    "settlement.payout_requested.v1": _PAYOUT,
    "settlement.payout_paid.v1": _PAYOUT,
    "settlement.payout_failed.v1": _PAYOUT,
    "channel.funds_received.v1": _shape("order", "order_id", amounts="amount"),
    **{f"{service}.policy_published.v1": _shape("policy", "policy") for service in SERVICES},
    **{
        f"{service}.{REJECTION}": _shape("rejection", "", "command_id command_type code")
        for service in SERVICES
    },
}
