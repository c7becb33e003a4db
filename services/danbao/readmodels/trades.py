"""Read model `trades`: one row for each escrow trade.  Amounts are minor units."""

from collections.abc import Iterable

from danbao.contracts import escrow as m
from danbao.readmodels.model import Change, Entry, ReadModel


def project(entry: Entry) -> Iterable[Change]:  # noqa: C901 - one case an event
    """What one event changes of its trade."""
    event = entry.event
    if not isinstance(event, m.TradeEvent):
        return ()
    change = Change((event.trade_id,), {"updated_at": entry.recorded_at})
    match event:
        case m.TradeCreated():
            change.sets |= {
                "state": "WAIT_BUYER_PAY",
                "buyer": event.buyer,
                "seller": event.seller,
                "currency": event.amount.currency,
                "amount_minor": event.amount.minor,
                "title": event.title,
                "frozen": False,
                "open_refund": "",
                "created_at": entry.recorded_at,
            }
        case m.TradeFunded():
            change.sets |= {"state": "WAIT_SELLER_SEND_GOODS", "payment_id": event.payment_id}
            change.adds["paid_minor"] = event.amount.minor
        case m.TradeShipped():
            change.sets["state"] = "WAIT_BUYER_CONFIRM_GOODS"
        case m.TradeReleased():
            change.sets |= {"state": "TRADE_SUCCESS", "ended_by": event.cause}
            change.adds["released_minor"] = event.amount.minor
        case m.TradeClosed():
            change.sets |= {"state": "TRADE_CLOSED", "ended_by": event.reason}
        case m.RefundApplied():
            change.sets["open_refund"] = event.refund_id
        case m.TradeRefunded():
            change.sets["open_refund"] = ""
            change.adds["refunded_minor"] = event.amount.minor
        case m.RefundRefused() | m.RefundCancelled():
            change.sets["open_refund"] = ""
        case m.TradeFrozen():
            change.sets["frozen"] = True
        case m.TradeUnfrozen():
            change.sets["frozen"] = False
        case _:
            pass
    return (change,)


MODEL = ReadModel(
    name="trades",
    version=1,
    key=("trade_id",),
    sets=(
        "state",
        "buyer",
        "seller",
        "currency",
        "amount_minor",
        "title",
        "payment_id",
        "open_refund",
        "ended_by",
        "frozen",
        "created_at",
        "updated_at",
    ),
    adds=("paid_minor", "released_minor", "refunded_minor"),
    project=project,
    events=tuple(m.TradeEvent.__subclasses__()),
)
