"""Read model `settlement_windows`: each merchant's windows, open and closed."""

from collections.abc import Iterable

from danbao.contracts import settlement as m
from danbao.readmodels.model import Change, Entry, ReadModel


def project(entry: Entry) -> Iterable[Change]:
    """Credits add to the open window, the close fixes it."""
    event = entry.event
    match event:
        case m.CreditRecorded():
            sets: dict[str, object] = {
                "merchant": event.merchant,
                "currency": event.gross.currency,
                "state": "open",
            }
            adds = {
                "gross_minor": event.gross.minor,
                "fee_minor": event.fee.minor,
                "net_minor": event.net.minor,
                "count": 1,
            }
            return (Change((event.window_id,), sets, adds),)
        case m.WindowClosed():
            closed: dict[str, object] = {
                "state": "closed",
                "first_version": event.first_version,
                "last_version": event.last_version,
                "closed_at": entry.recorded_at,
            }
            return (Change((event.window_id,), closed),)
        case m.PayoutRequested() if event.window_id is not None:
            return (Change((event.window_id,), {"payout_id": event.payout_id}),)
        case _:
            return ()


MODEL = ReadModel(
    name="settlement_windows",
    version=1,
    key=("window_id",),
    sets=(
        "merchant",
        "currency",
        "state",
        "first_version",
        "last_version",
        "closed_at",
        "payout_id",
    ),
    adds=("gross_minor", "fee_minor", "net_minor", "count"),
    project=project,
    events=(m.CreditRecorded, m.WindowClosed, m.PayoutRequested),
)
