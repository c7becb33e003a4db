"""What the story adds up to, worked out by hand, and the history with all of it around."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from tests.audit.rows import Line, ReadRow, Timer
from tests.audit.tables import MemoryTables, MemoryTopics
from tests.unit.audit.scribe import History
from tests.unit.audit.story import FUTURE, Market, play


def _merchant(*figures: object) -> dict[str, object]:
    names = ("gross", "fee", "net", "count", "payout", "currency")
    return dict(zip(names, figures, strict=True))


BALANCES = {
    ("R.CB", "CNY"): 150_000 - 19_726,
    ("R.CB", "USD"): 20_000,
    ("R.CHRECV.card", "CNY"): 0,
    ("R.CUST.B-1.AVAILABLE", "CNY"): 100_000 - 12_345,
    ("R.CUST.B.2.AVAILABLE", "CNY"): 50_000 - 10_000 + 2_500,
    ("R.CUST.B-3.AVAILABLE", "USD"): 20_000 - 3_333,
    ("R.MAVL.M.2", "USD"): 3_333 - 20,
    ("R.DUE_TO_O", "CNY"): 74 + 45,
    ("R.DUE_TO_O", "USD"): 20,
    ("O.DUE_FROM_R", "CNY"): 119,
    ("O.DUE_FROM_R", "USD"): 20,
    ("O.INC.FEE", "CNY"): 119,
    ("O.INC.FEE", "USD"): 20,
}

TRADES = """\
T-1 TRADE_SUCCESS  B-1 M-1 CNY 12345 0 12345 0
T-2 TRADE_SUCCESS  B.2 M-1 CNY 10000 0 7500 2500
T-3 TRADE_CLOSED   B-1 M-1 CNY 4000 0 0 4000
T-4 TRADE_CLOSED   B-1 M-1 CNY 0 0 0 0
T.5 TRADE_SUCCESS  B-3 M.2 USD 3333 0 3333 0
T-6 WAIT_BUYER_PAY B-4 M-1 CNY 0 0 0 0
"""

EXPECTED: dict[str, Any] = {
    "reused_ids": 1,
    "events": {
        "accounts.account_opened.v1": 6,
        "accounts.account_frozen.v1": 2,
        "accounts.account_unfrozen.v1": 1,
        "accounts.top_up_requested.v1": 4,
        "accounts.top_up_settled.v1": 3,
        "accounts.top_up_failed.v1": 1,
        "accounts.command_rejected.v1": 2,
        "authorization.payment_requested.v1": 12,
        "authorization.payment_captured.v1": 7,
        "authorization.payment_declined.v1": 5,
        "risk.payment_assessed.v1": 12,
        "escrow.payment_returned.v1": 3,
        "escrow.trade_created.v1": 6,
        "escrow.trade_funded.v1": 4,
        "escrow.trade_shipped.v1": 3,
        "escrow.receipt_extended.v1": 1,
        "escrow.trade_released.v1": 3,
        "escrow.refund_applied.v1": 3,
        "escrow.refund_refused.v1": 1,
        "escrow.trade_refunded.v1": 2,
        "escrow.trade_closed.v1": 2,
        "escrow.trade_frozen.v1": 1,
        "escrow.trade_unfrozen.v1": 1,
        "settlement.credit_recorded.v1": 3,
        "settlement.window_closed.v1": 2,
        "settlement.payout_requested.v1": 2,
        "settlement.payout_paid.v1": 1,
        "settlement.payout_failed.v1": 1,
    },
    "refusals": {"account_exists": 1, "command_id_reused": 1},
    "declines": {
        "insufficient_funds": 1,
        "currency_mismatch": 1,
        "account_frozen": 1,
        "account_unknown": 1,
        "risk_declined": 1,
    },
    "returns": {"already_paid": 1, "wrong_payer": 1, "trade_closed": 1},
    "trades": {
        "T-1": ["TRADE_SUCCESS", 12_345, 0, 12_345],
        "T-2": ["TRADE_SUCCESS", 10_000, 2_500, 7_500],
        "T-3": ["TRADE_CLOSED", 4_000, 4_000, 0],
        "T-4": ["TRADE_CLOSED", 0, 0, 0],
        "T.5": ["TRADE_SUCCESS", 3_333, 0, 3_333],
        "T-6": ["WAIT_BUYER_PAY", 0, 0, 0],
    },
    "trade_states": {"TRADE_SUCCESS": 3, "TRADE_CLOSED": 2, "WAIT_BUYER_PAY": 1},
    "customer_available": {"B-1": 87_655, "B.2": 42_500, "B-3": 16_667, "B-4": 0},
    "customer_frozen_accounts": ["B-4"],
    "currency": {"B-3": "USD", "M.2": "USD"},
    "merchants": {
        "M-1": _merchant(19_845, 119, 19_726, 2, "paid", "CNY"),
        "M.2": _merchant(3_333, 20, 3_313, 1, "failed", "USD"),
    },
    "merchant_available": {"M-1": 0, "M.2": 3_313},
    "fees_total": {"CNY": 119, "USD": 20},
    "escrow_held_total": 0,
}


def good_history() -> History:
    """Return the story with everything around it, all in order."""
    market = play()
    scribe = market.scribe
    first = scribe.lines[0]
    lines = [*scribe.lines, Line(first.message_id, first.body.replace("B-1", "B-7"))]
    tables = MemoryTables(rows=scribe.rows, inbox_rows=scribe.inbox, models=_models(market))
    due = datetime.fromisoformat(FUTURE)
    tables.running = [Timer("", "trade/T-6", "escrow.time_out_payment.v1", due)]
    expected = {**EXPECTED, "command_ids": len(scribe.lines)}
    history = History(tables, MemoryTopics(), lines, expected)
    history.seal()
    return history


def _models(market: Market) -> dict[str, list[ReadRow]]:
    asked = [
        json.loads(row.data)
        for row in market.scribe.rows
        if row.type == "authorization.payment_requested.v1"
    ]
    windows = market.windows
    return {
        "account_balances": [
            {"account": account, "currency": currency, "balance_minor": minor}
            for (account, currency), minor in BALANCES.items()
        ],
        "trades": [_trade(*line.split()) for line in TRADES.splitlines()],
        "payments": [
            {name: facts[name] for name in ("payment_id", "trade_id", "payer")} for facts in asked
        ],
        "merchant_statement": [
            {name: window[name] for name in window if name != "window_id"} for window in windows
        ],
        "settlement_windows": windows,
    }


def _trade(*texts: str) -> ReadRow:
    trade_id, state, buyer, seller, currency, *minors = texts
    names = ("paid_minor", "held_minor", "released_minor", "refunded_minor")
    amounts = dict(zip(names, map(int, minors), strict=True))
    who = {"trade_id": trade_id, "state": state, "buyer": buyer, "seller": seller}
    return {**who, "currency": currency, **amounts}
