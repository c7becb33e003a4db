"""What is worth reading inside an event of a trade's flow, in a few words (pure)."""

from typing import Any

from danbao.cli.format import money_text, safe_text

TOLD: dict[str, tuple[str, ...]] = {
    "payment_requested": ("payment_id", "amount"),
    "payment_assessed": ("payment_id", "decision", "reasons"),
    "payment_captured": ("payment_id", "amount"),
    "payment_declined": ("payment_id", "code"),
    "payment_returned": ("payment_id", "amount", "reason"),
    "trade_funded": ("payment_id", "amount"),
    "trade_shipped": ("carrier", "tracking_no", "auto_confirm_at"),
    "receipt_extended": ("auto_confirm_at",),
    "refund_applied": ("refund_id", "amount", "reason", "agree_by"),
    "trade_refunded": ("refund_id", "amount"),
    "refund_refused": ("refund_id",),
    "refund_cancelled": ("refund_id",),
    "trade_frozen": ("reason",),
    "trade_unfrozen": ("reason", "auto_confirm_at", "agree_by"),
    "trade_released": ("amount", "cause"),
    "trade_closed": ("reason",),
    "credit_recorded": ("net", "fee"),
    "command_rejected": ("code",),
}
"""Fields told of each event, by its name without service and version."""
WORDS = {
    "agree_by": "agreed by itself at",
    "auto_confirm_at": "confirmed by itself at",
    "cause": "by",
    "fee": "fee",
    "net": "net",
}
"""What stands before a field whose value does not say what it is."""
TIMES = ("agree_by", "auto_confirm_at")
TO_SECONDS = len("2026-11-23T23:20:48")


def details_text(event_type: str, data: dict[str, Any]) -> str:
    """The told fields of an event, one after the other; empty when there is nothing to tell."""
    _, name, *_ = event_type.split(".")
    texts = {field: _value_text(field, data.get(field)) for field in TOLD.get(name, ())}
    return ", ".join(
        f"{WORDS[field]} {text}" if field in WORDS else text
        for field, text in texts.items()
        if text
    )


def _value_text(field: str, value: object) -> str:
    match value:
        case {"minor": int(minor), "currency": str(currency)}:
            return money_text(minor, currency)
        case list():
            return ", ".join(str(each) for each in value)
        case None:
            return ""
        case str() if field in TIMES:
            return value[:TO_SECONDS].replace("T", " ")
        case _:
            return safe_text(str(value))
