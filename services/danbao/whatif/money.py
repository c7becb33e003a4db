"""The money that a different decision moves: pure, from the events to those instead of them.

A fee is fixed long before it is posted, and an assessment posts nothing at all, so the amounts are
taken from what the events say, besides their postings.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from danbao.contracts import risk, settlement
from danbao.contracts.message import Event
from danbao.ledger.rules import postings_of

What = Literal["fee", "declined", "approved", "posted"]

MEANING: dict[What, str] = {
    "fee": "more fee for us, less for the merchant",
    "declined": "payments that risk would decline",
    "approved": "payments that risk declined and would approve",
    "posted": "more posted at once",
}

SIGNED: frozenset[What] = frozenset({"fee", "posted"})
"""Kinds that may become less; a payment is either declined instead or approved instead."""


@dataclass(frozen=True, slots=True)
class Effect:
    """So much money of one kind, in minor units; less than before is below zero."""

    what: What
    currency: str
    minor: int


def effects(recorded: Sequence[Event], instead: Sequence[Event]) -> list[Effect]:
    """Say which money moves otherwise, by kind and currency."""
    before, after = _sums(recorded), _sums(instead)
    sums: Counter[tuple[What, str]] = Counter(after)
    sums.subtract(before)
    return [
        Effect(what, currency, minor)
        for (what, currency), minor in sorted(sums.items())
        if minor > 0 or (minor < 0 and what in SIGNED)
    ]


def _sums(events: Sequence[Event]) -> Counter[tuple[What, str]]:
    sums: Counter[tuple[What, str]] = Counter()
    for event in events:
        for posting in postings_of(event):
            sums["posted", posting.currency] += posting.minor
        match event:
            case settlement.CreditRecorded():
                sums["fee", event.fee.currency] += event.fee.minor
            case risk.PaymentAssessed():
                amount = event.features.amount
                what: What = "approved" if event.decision == "approve" else "declined"
                sums[what, amount.currency] += amount.minor
            case _:
                pass
    return sums
