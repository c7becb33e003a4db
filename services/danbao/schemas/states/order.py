"""The channel's order (sandbox), and what to try on it."""

from collections.abc import Sequence

from danbao.channel.order import Order, decider
from danbao.contracts import channel as m
from danbao.schemas.sample import SELLER, sample
from danbao.schemas.states.machine import Label, Machine, Trial, World


def trials(_order: Order) -> Sequence[Trial]:
    """Submit it with every kind of token, and let the money arrive."""
    payout = {"kind": "payout", "account_id": SELLER}
    refused_bank = sample(m.SubmitOrder, token="bank_fail_1", **payout)  # noqa: S106 - not a secret
    return (
        Trial(sample(m.SubmitOrder), World()),
        Trial(sample(m.RecordReceipt), World()),
        Trial(sample(m.SubmitOrder, token="card_slow_1"), World(), "the card is slow"),  # noqa: S106
        Trial(sample(m.SubmitOrder, token="card_fail_1"), World(), "the card is declined"),  # noqa: S106
        Trial(refused_bank, World(), "a payout that the bank refuses"),
    )


machine = Machine(
    decider=decider,
    title="Channel order",
    label=lambda order: Label(order.status or "none"),
    trials=trials,
    stale_timers=(sample(m.CompleteOrder),),
)
