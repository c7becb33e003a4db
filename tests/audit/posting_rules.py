"""Which postings each event of the main flow must carry (architecture.md, 9; domain.md, 3.3).

Check: `ledger.rule`. The rule is worked out from the event's data alone; postings of 0 are
left out, their order is free, and a channel or currency after `R.CB`, `R.CHRECV` or
`R.PAYOUT` is ignored. Event types of the core without a rule move no money.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .chart import pool_of
from .shapes import SHAPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .report import Report
    from .rows import Event

Leg = tuple[str, str, int, str]


def _move(debit: str, credit: str, amount: Mapping[str, Any]) -> Leg:
    return (debit, credit, amount["minor"], amount["currency"])


def _wallet(owner: str) -> str:
    return f"R.CUST.{owner}.AVAILABLE"


def _escrow(facts: Mapping[str, Any]) -> str:
    return f"R.ESCROW.{facts['trade_id']}"


def _window_closed(facts: Mapping[str, Any]) -> list[Leg]:
    pending, fee = f"R.MPEND.{facts['merchant']}", facts["fee"]
    return [
        _move(pending, f"R.MAVL.{facts['merchant']}", facts["net"]),
        _move(pending, "R.DUE_TO_O", fee),
        _move("O.DUE_FROM_R", "O.INC.FEE", fee),
    ]


RULES: Final[dict[str, Callable[[Mapping[str, Any]], list[Leg]]]] = {
    "accounts.top_up_settled.v1": lambda f: [
        _move("R.CHRECV", _wallet(f["account_id"]), f["amount"]),
    ],
    "channel.funds_received.v1": lambda f: [_move("R.CB", "R.CHRECV", f["amount"])],
    "authorization.payment_captured.v1": lambda f: [
        _move(_wallet(f["payer"]), _escrow(f), f["amount"]),
    ],
    "escrow.payment_returned.v1": lambda f: [_move(_escrow(f), _wallet(f["payer"]), f["amount"])],
    "escrow.trade_released.v1": lambda f: [
        _move(_escrow(f), f"R.MPEND.{f['seller']}", f["amount"]),
    ],
    "escrow.trade_refunded.v1": lambda f: [_move(_escrow(f), _wallet(f["buyer"]), f["amount"])],
    "settlement.window_closed.v1": _window_closed,
    "settlement.payout_requested.v1": lambda f: [
        _move(f"R.MAVL.{f['merchant']}", "R.PAYOUT", f["amount"]),
    ],
    "settlement.payout_paid.v1": lambda f: [_move("R.PAYOUT", "R.CB", f["amount"])],
    "settlement.payout_failed.v1": lambda f: [
        _move("R.PAYOUT", f"R.MAVL.{f['merchant']}", f["amount"]),
    ],
}


class PostingRules:
    """Holds the postings of each event against the rule of its type."""

    def __init__(self, report: Report) -> None:
        """Keep where to report."""
        self._report = report

    def event(self, event: Event) -> None:
        """Compare postings by debit, credit and currency, whatever their order."""
        if not event.sound or event.row.type not in SHAPES:
            return
        rule = RULES.get(event.row.type)
        if rule is None and not event.postings:
            return
        wanted = _sums(rule(event.facts) if rule else [])
        found = _sums(
            (pool_of(p.debit), pool_of(p.credit), p.minor, p.currency) for p in event.postings
        )
        if wanted != found:
            self._report.at(event.row, "ledger.rule", _told(wanted), _told(found))


def _sums(legs: Iterable[Leg]) -> dict[tuple[str, str, str], int]:
    sums: dict[tuple[str, str, str], int] = {}
    for debit, credit, minor, currency in legs:
        if minor:
            key = (debit, credit, currency)
            sums[key] = sums.get(key, 0) + minor
    return sums


def _told(sums: dict[tuple[str, str, str], int]) -> str:
    legs = [f"Dr {d} Cr {c} {minor} {currency}" for (d, c, currency), minor in sums.items()]
    return "; ".join(sorted(legs)) or "no postings"
