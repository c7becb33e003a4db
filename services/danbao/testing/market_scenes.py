"""How trades on the market go when nobody errs: paid and confirmed, refunded, cancelled, frozen.

A scene that ends by a timer has short times and no command that races with the timer; the others
have times long enough for any machine.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from danbao.testing.market_trade import CLOSED, CREDITED, REFUSED, RETURNED, Trade

Payer = Literal["buyer", "poor", "frozen", "listed", "busy", "foreigner"]
Second = Literal["", "stranger", "foreigner"]


@dataclass(frozen=True, slots=True)
class Scene:
    """One way a trade goes, and what it needs of the plan."""

    play: Callable[[Trade], None]
    weight: int
    """How often, of about 1,000 trades; 0 means once a day."""
    releases: bool = False
    """Whether the seller gets money in the end."""
    payments: int = 1
    """Payments that the buyer may have under way together, each for the price and a bit."""
    payer: Payer = "buyer"
    """Who the buyer is."""
    second: Second = ""
    """Another payer: one with the same currency, or one whose wallet holds another."""

    @property
    def name(self) -> str:
        """The name for logs and tests."""
        return self.play.__name__


def plain(trade: Trade) -> None:
    """The buyer pays, the seller ships, the buyer confirms."""
    is_patient = trade.random.random() < 0.5  # noqa: PLR2004
    trade.create(**({"pay_within_s": 86_400} if is_patient else {}))
    trade.pay()
    trade.ship()
    trade.confirm()


def confirmed_by_timer(trade: Trade) -> None:
    """The buyer stays silent after delivery."""
    trade.create(auto_confirm_s=trade.random.randint(1, 3))
    trade.pay()
    trade.ship(CREDITED)


def extended(trade: Trade) -> None:
    """The buyer needs more days and then confirms."""
    trade.create()
    trade.pay()
    trade.ship()
    trade.extend()
    trade.confirm()


def refunded_before_shipping(trade: Trade) -> None:
    """All goes back before the goods leave."""
    trade.create()
    trade.pay()
    trade.apply(trade.deal.amount_minor)
    trade.agree("escrow.trade_refunded.v1", CLOSED)


def refunded_in_two_parts(trade: Trade) -> None:
    """A part, then the rest: the trade closes with the second."""
    part = trade.part()
    trade.create()
    trade.pay()
    trade.apply(part)
    trade.agree()
    trade.apply(trade.deal.amount_minor - part, number=2)
    trade.agree("escrow.trade_refunded.v1", CLOSED, number=2)


def partly_refunded_before_shipping(trade: Trade) -> None:
    """The price is lowered before the goods leave."""
    trade.create()
    trade.pay()
    trade.apply(trade.part())
    trade.agree()
    trade.ship()
    trade.confirm()


def partly_refunded_after_shipping(trade: Trade) -> None:
    """The goods are not quite as described."""
    trade.create()
    trade.pay()
    trade.ship()
    trade.apply(trade.part())
    trade.agree()
    trade.confirm()


def refunded_after_shipping(trade: Trade) -> None:
    """The parcel never comes: all goes back."""
    trade.create()
    trade.pay()
    trade.ship()
    trade.apply(trade.deal.amount_minor)
    trade.agree("escrow.trade_refunded.v1", CLOSED)


def refund_refused(trade: Trade) -> None:
    """The seller refuses, the buyer confirms after all."""
    trade.create()
    trade.pay()
    trade.ship()
    trade.apply(trade.part())
    trade.refuse()
    trade.confirm()


def refund_cancelled(trade: Trade) -> None:
    """The buyer takes the application back."""
    trade.create()
    trade.pay()
    trade.ship()
    trade.apply(trade.part())
    trade.withdraw()
    trade.confirm()


def refund_pauses_timer(trade: Trade) -> None:
    """Shipped with an open refund: the timer starts only when the seller has refused."""
    trade.create(auto_confirm_s=trade.random.randint(1, 3))
    trade.pay()
    trade.apply(trade.part())
    trade.ship()
    trade.refuse(CREDITED)


def cancelled(trade: Trade) -> None:
    """Given up before payment."""
    trade.create()
    trade.cancel()


def never_paid(trade: Trade) -> None:
    """The time to pay runs out."""
    trade.create(CLOSED, pay_within_s=trade.random.randint(1, 2))


def paid_too_late(trade: Trade) -> None:
    """The payment comes when the time has run out, and goes back."""
    trade.create(CLOSED, pay_within_s=1)
    trade.pay(RETURNED)


def frozen_after_shipping(trade: Trade) -> None:
    """A frozen trade is not confirmed; once it is free it is."""
    trade.create()
    trade.pay()
    trade.ship()
    trade.freeze()
    trade.confirm(REFUSED)
    trade.unfreeze()
    trade.confirm()


def frozen_timer(trade: Trade) -> None:
    """Shipped while frozen: the timer runs only when the trade is free."""
    trade.create(auto_confirm_s=trade.random.randint(1, 3))
    trade.pay()
    trade.freeze()
    trade.ship()
    trade.unfreeze(CREDITED)


def frozen_before_payment(trade: Trade) -> None:
    """A frozen trade cannot be cancelled, but a payment that arrives is taken."""
    trade.create()
    trade.freeze()
    trade.cancel(REFUSED)
    trade.pay()
    trade.unfreeze()
    trade.ship()
    trade.confirm()


def frozen_refund(trade: Trade) -> None:
    """A refund cannot be agreed to while the trade is frozen."""
    trade.create()
    trade.pay()
    trade.freeze()
    trade.apply(trade.deal.amount_minor)
    trade.agree(REFUSED)
    trade.unfreeze()
    trade.agree("escrow.trade_refunded.v1", CLOSED)


ORDINARY: tuple[Scene, ...] = (
    Scene(plain, 660, releases=True),
    Scene(confirmed_by_timer, 40, releases=True),
    Scene(extended, 20, releases=True),
    Scene(refunded_before_shipping, 25),
    Scene(refunded_in_two_parts, 5),
    Scene(partly_refunded_before_shipping, 25, releases=True),
    Scene(partly_refunded_after_shipping, 30, releases=True),
    Scene(refunded_after_shipping, 10),
    Scene(refund_refused, 20, releases=True),
    Scene(refund_cancelled, 12, releases=True),
    Scene(refund_pauses_timer, 5, releases=True),
    Scene(cancelled, 15),
    Scene(never_paid, 15),
    Scene(paid_too_late, 5),
    Scene(frozen_after_shipping, 6, releases=True),
    Scene(frozen_timer, 5, releases=True),
    Scene(frozen_before_payment, 4, releases=True),
    Scene(frozen_refund, 4),
)
