"""Read model `payments`: one row for each payment, and what became of it.

`status` goes requested → captured or declined, then funded or returned; `code` says why.
"""

from collections.abc import Iterable

from danbao.contracts import authorization, escrow, risk
from danbao.readmodels.model import Change, Entry, ReadModel


def project(entry: Entry) -> Iterable[Change]:
    """What one event changes of its payment."""
    event = entry.event
    match event:
        case authorization.PaymentRequested():
            sets: dict[str, object] = {
                "status": "requested",
                "trade_id": event.trade_id,
                "payer": event.payer,
                "currency": event.amount.currency,
                "amount_minor": event.amount.minor,
                "requested_at": entry.recorded_at,
            }
        case risk.PaymentAssessed():
            sets = {"risk_decision": event.decision, "risk_reasons": ",".join(event.reasons)}
        case authorization.PaymentCaptured():
            sets = {"status": "captured"}
        case authorization.PaymentDeclined():
            sets = {"status": "declined", "code": event.code.value}
        case escrow.TradeFunded():
            sets = {"status": "funded"}
        case escrow.PaymentReturned():
            sets = {"status": "returned", "code": event.reason.value}
        case _:
            return ()
    return (Change((event.payment_id,), sets | {"updated_at": entry.recorded_at}),)


MODEL = ReadModel(
    name="payments",
    version=1,
    key=("payment_id",),
    sets=(
        "status",
        "trade_id",
        "payer",
        "currency",
        "amount_minor",
        "code",
        "risk_decision",
        "risk_reasons",
        "requested_at",
        "updated_at",
    ),
    adds=(),
    project=project,
    events=(
        authorization.PaymentRequested,
        risk.PaymentAssessed,
        authorization.PaymentCaptured,
        authorization.PaymentDeclined,
        escrow.TradeFunded,
        escrow.PaymentReturned,
    ),
)
