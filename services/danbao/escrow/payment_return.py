"""Payments that a trade could not take: one fact each, on a stream of its own."""

import msgspec

from danbao.contracts import escrow as m
from danbao.contracts.decider import Decider


class PaymentReturn(msgspec.Struct, frozen=True):
    """Whether the payment went back."""

    returned: bool = False


def evolve(_state: PaymentReturn, _event: m.PaymentReturned) -> PaymentReturn:
    """A returned payment stays returned."""
    return PaymentReturn(returned=True)


decider = Decider(
    category="return", initial=PaymentReturn(), evolve=evolve, events=(m.PaymentReturned,)
)
