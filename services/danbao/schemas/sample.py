"""Realistic messages, by the names of their fields: for the examples, and to run deciders with.

Every sample is converted strictly from plain values, so it is what would come off the wire.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, TypeVar

import msgspec

from danbao.contracts import accounts, authorization, channel, escrow, risk, settlement
from danbao.contracts.message import Message, wire_type

NOW: Final = datetime(2026, 11, 1, 8, tzinfo=UTC)
BUYER: Final = "B-1001"
SELLER: Final = "S-2001"
TRADE: Final = "T-20261101-0001"
PAYMENT: Final = "P-20261101-0001"
PRICE_MINOR: Final = 12_800

MessageT = TypeVar("MessageT", bound=Message)


def yuan(minor: int) -> Mapping[str, object]:
    """An amount as it stands on the wire."""
    return {"minor": minor, "currency": "CNY"}


_VALUES: Final[Mapping[str, object]] = {
    "account_id": BUYER,
    "agree_by": "2026-11-03T08:00:00Z",
    "amount": yuan(PRICE_MINOR),
    "answer_within_s": 172_800,
    "applied_at": "2026-11-01T08:00:00Z",
    "auto_confirm_at": "2026-11-11T08:00:00Z",
    "auto_confirm_s": 864_000,
    "bank_card": "card_ok_4417",
    "buyer": BUYER,
    "carrier": "SF Express",
    "cause": "buyer",
    "closes_at": "2026-11-01T16:00:00Z",
    "code": "wrong_state",
    "command_id": "019a3e52-4c00-7a10-8b3e-5d9c1f0a7b21",
    "count": 2,
    "currency": "CNY",
    "days": 3,
    "decision": "approve",
    "device_id": "device-5f2c",
    "due_at": "2026-11-01T08:00:02Z",
    "effective_from": "2026-12-01T00:00:00Z",
    "fee": yuan(77),
    "fee_bps": 60,
    "first_version": 1,
    "frozen_at": "2026-11-01T08:00:00Z",
    "generation": 1,
    "gross": yuan(PRICE_MINOR),
    "ip": "203.0.113.7",
    "last_version": 2,
    "list": "block",
    "merchant": SELLER,
    "method": "balance",
    "net": yuan(12_723),
    "order_id": "top_up:U-20261101-0001",
    "pay_by": "2026-11-01T08:30:00Z",
    "pay_within_s": 1_800,
    "payer": BUYER,
    "payment_id": PAYMENT,
    "payout_bank": "bank_ok_0022",
    "payout_id": "5e6b6c3e-8d0e-5b7a-9a51-7f0c3c1f2d44",
    "policy_version": 0,
    "reference": "U-20261101-0001",
    "refund_id": "R-1",
    "refunded_total": yuan(PRICE_MINOR),
    "requested_at": "2026-11-01T08:00:00Z",
    "rules_version": 0,
    "score": 0,
    "reasons": [],
    "seller": SELLER,
    "ship_within_s": 172_800,
    "title": "一盒龙井茶 Longjing tea, 250 g",
    "token": "card_ok_4417",
    "top_up_id": "U-20261101-0001",
    "tracking_no": "SF1045872239001",
    "trade_id": TRADE,
    "unfrozen_at": "2026-11-01T08:00:00Z",
    "version": 1,
    "window_id": "0d0f3a55-6c0b-5b5e-8f8e-3b1f9a7c6e10",
}

_BY_TYPE: Final[Mapping[type[Message], Mapping[str, object]]] = {
    accounts.OpenAccount: {"kind": "personal", "tier": "II", "owner": "owner-9c1e"},
    accounts.AccountOpened: {
        "account_id": SELLER,
        "kind": "merchant",
        "payout_bank": "bank_ok_0022",
        "owner": "owner-47ab",
    },
    accounts.TopUp: {"amount": yuan(50_000)},
    accounts.FreezeAccount: {"reason": "court order 2026-118"},
    accounts.UnfreezeAccount: {"reason": "court order 2026-118 lifted"},
    accounts.AccountFrozen: {"reason": "court order 2026-118"},
    accounts.AccountUnfrozen: {"reason": "court order 2026-118 lifted"},
    accounts.SetPayoutBank: {"account_id": SELLER},
    accounts.PayoutBankSet: {"account_id": SELLER},
    accounts.TopUpRequested: {"amount": yuan(50_000)},
    accounts.TopUpSettled: {"amount": yuan(50_000)},
    accounts.TopUpFailed: {"amount": yuan(50_000), "reason": "card_declined"},
    authorization.PaymentDeclined: {"code": "insufficient_funds"},
    escrow.CancelTrade: {"reason": "bought twice"},
    escrow.ApplyRefund: {"amount": yuan(2_800), "kind": "money_only", "reason": "torn wrapping"},
    escrow.RefundApplied: {"amount": yuan(2_800), "kind": "money_only", "reason": "torn wrapping"},
    escrow.TradeRefunded: {"amount": yuan(2_800), "refunded_total": yuan(2_800)},
    escrow.FreezeTrade: {"reason": "stolen card suspected"},
    escrow.TradeFrozen: {"reason": "stolen card suspected"},
    escrow.UnfreezeTrade: {"reason": "checked with the bank"},
    escrow.TradeUnfrozen: {"reason": "checked with the bank", "pay_by": None, "agree_by": None},
    escrow.PaymentReturned: {"reason": "already_paid"},
    escrow.TradeClosed: {"reason": "refunded"},
    settlement.WindowClosed: {
        "gross": yuan(25_600),
        "fee": yuan(154),
        "net": yuan(25_446),
    },
    settlement.PayoutRequested: {"amount": yuan(25_446)},
    settlement.PayoutPaid: {"amount": yuan(25_446)},
    settlement.PayoutFailed: {"amount": yuan(25_446), "reason": "bank_account_closed"},
    settlement.RequestPayout: {"amount": yuan(25_446)},
    risk.AddToList: {"kind": "device", "value": "device-5f2c", "reason": "used with stolen cards"},
    risk.RemoveFromList: {"kind": "device", "value": "device-5f2c", "reason": "sold to another"},
    risk.ListEntryAdded: {
        "kind": "device",
        "value": "device-5f2c",
        "reason": "used with stolen cards",
    },
    risk.ListEntryRemoved: {"kind": "device", "value": "device-5f2c", "reason": "sold to another"},
    risk.PaymentAssessed: {
        "features": {
            "amount": yuan(PRICE_MINOR),
            "requested_at": "2026-11-01T08:00:00Z",
            "listed": [],
            "payments_in_window": 1,
        }
    },
    channel.SubmitOrder: {"kind": "top_up"},
    channel.OrderAccepted: {"kind": "top_up", "amount": yuan(50_000)},
    channel.OrderSucceeded: {"kind": "top_up", "amount": yuan(50_000)},
    channel.OrderFailed: {"kind": "top_up", "amount": yuan(50_000), "reason": "card_declined"},
    channel.FundsReceived: {"amount": yuan(50_000)},
}

_POLICIES: Final[Mapping[str, tuple[str, Mapping[str, object]]]] = {
    "escrow": ("escrow.deadlines", {"pay_within_s": 3_600}),
    "settlement": ("settlement.fee", {"fee_bps": 55}),
    "risk": ("risk.payment_rules", {"single_payment_minor_max": 3_000_000}),
}
_REFUSED: Final[Mapping[str, tuple[str, str, Mapping[str, object]]]] = {
    "accounts": ("freeze_account", "account_unknown", {"account_id": BUYER}),
    "authorization": ("authorize_payment", "payment_exists", {"payment_id": PAYMENT}),
    "escrow": ("ship_trade", "wrong_state", {"state": "WAIT_BUYER_PAY", "frozen": False}),
    "settlement": ("close_window", "window_empty", {"currency": "CNY"}),
    "risk": ("add_to_list", "entry_exists", {"value": "device-5f2c"}),
    "channel": ("publish_policy", "policy_unknown", {"known": []}),
}


def sample(message: type[MessageT], **given: object) -> MessageT:
    """Make a message with realistic values; what is given stands instead of them.

    Raises:
        LookupError: a field that must be given has no realistic value yet.
    """
    values = {**_VALUES, **_shared(message), **_BY_TYPE.get(message, {}), **given}
    chosen: dict[str, object] = {}
    for field in msgspec.structs.fields(message):
        if field.encode_name in values:
            chosen[field.encode_name] = values[field.encode_name]
        elif field.required:
            problem = f"{wire_type(message)}: add a realistic `{field.encode_name}` to sample.py"
            raise LookupError(problem)
    if message is accounts.OpenAccount and "payout_bank" not in given:
        chosen.pop("payout_bank", None)  # the sample is a personal account
    return msgspec.convert(msgspec.to_builtins(chosen), message)


def _shared(message: type[Message]) -> Mapping[str, object]:
    """Values of the messages that every service has: policies and refusals."""
    service = wire_type(message).split(".", 1)[0]
    match message.__name__:
        case "PublishPolicy" | "PolicyPublished":
            name, body = _POLICIES.get(service, ("escrow.deadlines", {"pay_within_s": 3_600}))
            return {"policy": name, "body": body}
        case "CommandRejected":
            command, code, facts = _REFUSED[service]
            return {"command_type": f"{service}.{command}.v1", "code": code, "facts": facts}
        case _:
            return {}
