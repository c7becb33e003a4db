"""Read model `payouts`: one row for each payout, and what the bank did."""

from collections.abc import Iterable

from danbao.contracts import settlement as m
from danbao.readmodels.model import Change, Entry, ReadModel


def project(entry: Entry) -> Iterable[Change]:
    """What one event changes of its payout."""
    event = entry.event
    match event:
        case m.PayoutRequested():
            sets: dict[str, object] = {
                "state": "requested",
                "merchant": event.merchant,
                "window_id": event.window_id,
                "currency": event.amount.currency,
                "amount_minor": event.amount.minor,
                "payout_bank": event.payout_bank,
            }
        case m.PayoutPaid():
            sets = {"state": "paid"}
        case m.PayoutFailed():
            sets = {"state": "failed", "reason": event.reason}
        case _:
            return ()
    return (Change((event.payout_id,), sets | {"updated_at": entry.recorded_at}),)


MODEL = ReadModel(
    name="payouts",
    version=1,
    key=("payout_id",),
    sets=(
        "state",
        "merchant",
        "window_id",
        "currency",
        "amount_minor",
        "payout_bank",
        "reason",
        "updated_at",
    ),
    adds=(),
    project=project,
    events=(m.PayoutRequested, m.PayoutPaid, m.PayoutFailed),
)
