"""The trade, and what to try on it."""

from collections.abc import Sequence
from typing import Any

from danbao.contracts import escrow as m
from danbao.contracts.decider import Wish
from danbao.contracts.facts import AccountFact, account_key
from danbao.escrow.state import Trade
from danbao.escrow.trade import decider
from danbao.schemas.sample import PRICE_MINOR, SELLER, TRADE, sample, yuan
from danbao.schemas.states.machine import Label, Machine, Trial, World

_MERCHANT = AccountFact(kind="merchant", currency="CNY")
_WORLD = World(shared={account_key(SELLER): _MERCHANT})
PART_MINOR = 2_800


def label(trade: Trade) -> Label:
    """The status, and whether the trade is frozen, has an open refund, or was extended."""
    flags = (
        ("frozen", trade.frozen),
        ("refund open", trade.open_refund is not None),
        ("extended", trade.extended and bool(trade.held)),
    )
    return Label(trade.status or "none", tuple(name for name, is_up in flags if is_up))


def detail(trade: Trade) -> object:
    """Whether something was refunded, whether the rest would be, and which countdowns run."""
    countdowns = (trade.pay, trade.agree, trade.auto_confirm)
    running = tuple(countdown and countdown.at is not None for countdown in countdowns)
    is_rest = trade.open_refund_amount == trade.held
    return trade.refunded > 0, is_rest, bool(trade.refunds), trade.extended, running


def trials(trade: Trade) -> Sequence[Trial]:
    """Every wish of the trade, in the order of its life."""
    refund_id = trade.open_refund or next(iter(trade.refunds), "R-1")
    part_and_rest = sorted({min(PART_MINOR, trade.held), trade.held})
    plain: tuple[Wish, ...] = (
        sample(m.CreateTrade),
        sample(m.TakePayment),
        sample(m.ShipTrade),
        sample(m.ExtendReceipt),
        sample(m.ConfirmReceipt),
        sample(m.CancelTrade),
        *(_refund(trade, minor) for minor in part_and_rest),
        sample(m.AgreeRefund, refund_id=refund_id),
        sample(m.RefuseRefund, refund_id=refund_id),
        sample(m.CancelRefund, refund_id=refund_id),
        sample(m.FreezeTrade),
        sample(m.UnfreezeTrade),
    )
    return (
        *(Trial(wish, _WORLD) for wish in plain),
        *_create_otherwise(),
        *_pay_otherwise(),
        *_refund_otherwise(trade),
    )


def _refund(trade: Trade, minor: int, **given: Any) -> m.ApplyRefund:  # noqa: ANN401 - any field
    """An application under an id that the trade has not seen."""
    new_id = f"R-{len(trade.refunds) + 1}"
    values = {"refund_id": new_id, "amount": yuan(max(minor, 1))} | given
    return sample(m.ApplyRefund, **values)


def _create_otherwise() -> Sequence[Trial]:
    personal = AccountFact(kind="personal", currency="CNY")
    dollars = AccountFact(kind="merchant", currency="USD")
    create = sample(m.CreateTrade)
    return (
        Trial(create, World(), "the seller has no account"),
        Trial(create, World({account_key(SELLER): personal}), "the seller is a person"),
        Trial(create, World({account_key(SELLER): dollars}), "the seller's currency is another"),
        Trial(sample(m.CreateTrade, buyer=SELLER), _WORLD, "the buyer is the seller"),
    )


def _pay_otherwise() -> Sequence[Trial]:
    other_amount = sample(m.TakePayment, amount=yuan(PRICE_MINOR - 1))
    dollars = sample(m.TakePayment, amount={"minor": PRICE_MINOR, "currency": "USD"})
    return (
        Trial(sample(m.TakePayment, payer="B-9999"), _WORLD, "the payer is not the buyer"),
        Trial(other_amount, _WORLD, "the amount is not the trade's"),
        Trial(dollars, _WORLD, "the currency is not the trade's"),
    )


def _refund_otherwise(trade: Trade) -> Sequence[Trial]:
    dollars = _refund(trade, 1, amount={"minor": 1, "currency": "USD"})
    used = trade.refunds[:1]
    answers: tuple[type[m.RefundCommand], ...] = (m.AgreeRefund, m.RefuseRefund, m.CancelRefund)
    return (
        Trial(dollars, _WORLD, "the currency is not the trade's"),
        Trial(_refund(trade, trade.held + 1), _WORLD, "the amount is more than what is held"),
        *(
            Trial(_refund(trade, 1, refund_id=name), _WORLD, "the refund id was used before")
            for name in used
        ),
        *(
            Trial(sample(answer, refund_id="R-404"), _WORLD, "the trade has no such refund")
            for answer in answers
        ),
    )


machine = Machine(
    decider=decider,
    title="Trade",
    label=label,
    detail=detail,
    trials=trials,
    stale_timers=(
        m.TimeOutPayment(trade_id=TRADE, generation=1),
        m.AutoConfirmReceipt(trade_id=TRADE, generation=1),
        m.AutoAgreeRefund(trade_id=TRADE, generation=1),
    ),
)
