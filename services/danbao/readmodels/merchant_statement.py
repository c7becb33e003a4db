"""Read model `merchant_statement`: what each merchant earned, gross, fee and net, all windows."""

from collections.abc import Iterable

from danbao.contracts import settlement as m
from danbao.readmodels.model import Change, Entry, ReadModel


def project(entry: Entry) -> Iterable[Change]:
    """A credit adds to its merchant's statement."""
    event = entry.event
    if not isinstance(event, m.CreditRecorded):
        return ()
    adds = {
        "gross_minor": event.gross.minor,
        "fee_minor": event.fee.minor,
        "net_minor": event.net.minor,
        "count": 1,
    }
    return (Change((event.merchant, event.gross.currency), {}, adds),)


MODEL = ReadModel(
    name="merchant_statement",
    version=1,
    key=("merchant", "currency"),
    sets=(),
    adds=("gross_minor", "fee_minor", "net_minor", "count"),
    project=project,
    events=(m.CreditRecorded,),
)
