"""Whose decision it is: the merchant that events are about, maybe by way of trade or payment."""

from collections.abc import Iterable

import msgspec

from danbao.authorization.payment import Payment
from danbao.contracts.message import Event
from danbao.escrow.state import Trade


def merchant_of(events: Iterable[Event]) -> str | None:
    """The merchant that an event names itself."""
    for event in events:
        for name in ("merchant", "seller"):
            if (found := getattr(event, name, None)) is not None:
                return str(found)
    return None


def stream_to_ask(events: Iterable[Event]) -> str | None:
    """The stream that leads to the merchant: that of the trade, else that of the payment."""
    for kind in ("trade", "payment"):
        for event in events:
            if (found := getattr(event, f"{kind}_id", None)) is not None:
                return f"{kind}/{found}"
    return None


def seller_in(state: msgspec.Struct | None) -> str | None:
    """The seller of a trade; None when there is no such trade."""
    return state.seller or None if isinstance(state, Trade) else None


def trade_in(state: msgspec.Struct | None) -> str | None:
    """The stream of the trade that a payment is for."""
    return f"trade/{state.trade_id}" if isinstance(state, Payment) and state.trade_id else None
