"""How trades on the market go wrong: payments declined or returned, commands refused or broken."""

from typing import Any, Final

from danbao.testing.market_scenes import Scene
from danbao.testing.market_trade import DECLINED, REFUSED, RETURNED, UNAUTHORIZED, Trade

OVER_LIMIT_MINOR: Final = 5_000_001
VELOCITY_MAX: Final = 30
"""The default policy declines a payer's next payment of an hour."""


def _goes_on(trade: Trade) -> None:
    """After the mishap all goes well."""
    trade.ship()
    trade.confirm()


def cannot_pay(trade: Trade) -> None:
    """Poor, frozen or listed: the payment is declined and the trade given up."""
    trade.create()
    trade.pay(DECLINED)
    trade.cancel()


def over_limit(trade: Trade) -> None:
    """Too much for a single payment."""
    price = trade.money(OVER_LIMIT_MINOR + trade.random.randrange(10_000_000))
    trade.create(amount=price)
    trade.pay(DECLINED, amount=price)
    trade.cancel()


def listed_device(trade: Trade) -> None:
    """Declined on a listed device, paid on another."""
    trade.create()
    trade.pay(DECLINED, device_id=trade.people.blocked_device)
    trade.pay(device_id="device-clean")
    _goes_on(trade)


def listed_address(trade: Trade) -> None:
    """Declined from a listed address, paid from another."""
    trade.create()
    trade.pay(DECLINED, ip=trade.people.blocked_ip)
    trade.pay(ip="192.0.2.7")
    _goes_on(trade)


def too_many_payments(trade: Trade) -> None:
    """The one payment above an hour's limit is declined; those before came back, save the first."""
    trade.create()
    trade.pay()
    trade.pay(RETURNED)
    for _ in range(VELOCITY_MAX - 2):
        trade.flow.send_along("authorization.authorize_payment.v1", trade.payment(), RETURNED)
    trade.pay(DECLINED)
    _goes_on(trade)


def payer_unknown(trade: Trade) -> None:
    """Nobody of that name has a wallet."""
    trade.create()
    trade.pay(DECLINED, payer=trade.people.special("X", 0))
    trade.cancel()


def payer_of_another_currency(trade: Trade) -> None:
    """The wallet holds another currency than is paid."""
    trade.create()
    trade.pay(DECLINED, payer=trade.deal.second)
    trade.cancel()


def wrong_payer(trade: Trade) -> None:
    """A stranger's payment goes back, the buyer's is taken."""
    trade.create()
    trade.pay(RETURNED, payer=trade.deal.second)
    trade.pay()
    _goes_on(trade)


def wrong_amount(trade: Trade) -> None:
    """A cent too much goes back, the price is taken."""
    trade.create()
    trade.pay(RETURNED, amount=trade.money(trade.deal.amount_minor + 1))
    trade.pay()
    _goes_on(trade)


def wrong_currency(trade: Trade) -> None:
    """The buyer's wallet holds another currency than the price."""
    trade.create()
    trade.pay(RETURNED, amount=trade.money(currency=trade.deal.foreign_currency))
    trade.cancel()


def second_payment(trade: Trade) -> None:
    """Paid twice: the second goes back."""
    trade.create()
    trade.pay()
    trade.pay(RETURNED)
    _goes_on(trade)


def same_payment_id(trade: Trade) -> None:
    """A payment id names one payment for ever."""
    trade.create()
    trade.pay()
    trade.pay(UNAUTHORIZED, payment_id=f"{trade.deal.trade_id}-p1")
    _goes_on(trade)


def trade_unknown(trade: Trade) -> None:
    """A payment for a trade that nobody created goes back; a parcel for it is refused."""
    trade.pay(RETURNED)
    trade.ship(REFUSED)


def not_created(trade: Trade) -> None:
    """Trades that cannot be."""
    deal, people = trade.deal, trade.people
    wrong: list[dict[str, Any]] = [
        {"buyer": deal.seller},
        {"seller": people.special("X", 0)},
        {"seller": deal.second},
        {"amount": trade.money(currency="JPY")},
    ]
    trade.random.shuffle(wrong)
    for changes in wrong:
        trade.create(REFUSED, **changes)


def created_twice(trade: Trade) -> None:
    """A trade id names one trade for ever."""
    trade.create()
    trade.pay()
    trade.create(REFUSED, title="again")
    _goes_on(trade)


def confirmed_too_early(trade: Trade) -> None:
    """Receipt cannot be confirmed before the goods are shipped, nor the trade cancelled."""
    trade.create()
    trade.pay()
    trade.confirm(REFUSED)
    trade.cancel(REFUSED)
    _goes_on(trade)


def shipped_twice(trade: Trade) -> None:
    """Goods are shipped once, and not before they are paid."""
    trade.create()
    trade.ship(REFUSED)
    trade.pay()
    trade.ship()
    trade.ship(REFUSED)
    trade.confirm()


def extended_twice(trade: Trade) -> None:
    """More days are given once."""
    trade.create()
    trade.pay()
    trade.ship()
    trade.extend()
    trade.extend(REFUSED)
    trade.confirm()


def wrong_party(trade: Trade) -> None:
    """The seller neither cancels nor confirms for the buyer."""
    seller = f"seller:{trade.deal.seller}"
    trade.create()
    trade.cancel(REFUSED)["actor"] = seller
    trade.pay()
    trade.ship()
    trade.confirm(REFUSED)["actor"] = seller
    trade.confirm()["actor"] = f"buyer:{trade.deal.buyer}"


def confirmed_with_open_refund(trade: Trade) -> None:
    """One thing at a time: the refund is answered first."""
    trade.create()
    trade.pay()
    trade.ship()
    trade.apply(trade.part())
    trade.confirm(REFUSED)
    trade.apply(1, REFUSED, number=2)
    trade.refuse()
    trade.confirm()


def refund_too_large(trade: Trade) -> None:
    """No more goes back than was paid, nor in another currency."""
    deal = trade.deal
    trade.create()
    trade.pay()
    trade.apply(deal.amount_minor + 1, REFUSED)
    trade.apply(1, REFUSED, amount={"minor": 1, "currency": "JPY"})
    _goes_on(trade)


def refund_mixed_up(trade: Trade) -> None:
    """A refund that is not there, and one whose id is taken."""
    trade.create()
    trade.pay()
    trade.agree(REFUSED, number=9)
    trade.apply(trade.part())
    trade.agree()
    trade.apply(1, REFUSED)
    trade.refuse(REFUSED)
    _goes_on(trade)


def reused_id(trade: Trade) -> None:
    """An id answered once is refused with any other body, of this service or another."""
    create = trade.create()
    pay = trade.pay()
    again = dict(create["data"]) | {"title": "another"}
    trade.flow.send(create["type"], again, REFUSED, command_id_=create["id"])
    trade.flow.send(pay["type"], trade.payment(), UNAUTHORIZED, command_id_=create["id"])
    trade.flow.repeat(create)
    _goes_on(trade)


def invalid(trade: Trade) -> None:
    """Commands that can be read and not be obeyed: each is answered, none does anything."""
    trade.create()
    wrong: list[dict[str, Any]] = [
        {"tracking_no": None},
        {"colour": "red"},
        {"carrier": "x" * 257},
        {"trade_id": f"{trade.deal.trade_id}-other"},
        {"trade_id": "red tea"},
    ]
    for changes in trade.random.sample(wrong, k=2):
        trade.ship(REFUSED, **changes)
    for minor in trade.random.sample([0, -5, 12.0, 10**15 + 1, "12"], k=2):
        trade.pay(UNAUTHORIZED, amount={"minor": minor, "currency": trade.deal.currency})
    trade.pay()
    _goes_on(trade)


def same_body_in_other_words(trade: Trade) -> None:
    """Keys in another order are the same body, so nothing new happens."""
    trade.create()
    pay = trade.pay()
    reordered = dict(reversed(list(pay["data"].items())))
    trade.flow.repeat(pay | {"data": reordered})
    trade.flow.repeat(pay | {"source": "shop-retry"})
    _goes_on(trade)


def cancelled_twice(trade: Trade) -> None:
    """A closed trade cannot be cancelled."""
    trade.create()
    trade.cancel()
    trade.cancel(REFUSED)


MISHAPS: tuple[Scene, ...] = (
    Scene(cannot_pay, 10, payer="poor"),
    Scene(cannot_pay, 6, payer="frozen"),
    Scene(cannot_pay, 6, payer="listed"),
    Scene(over_limit, 8),
    Scene(listed_device, 4, releases=True, payments=2),
    Scene(listed_address, 4, releases=True, payments=2),
    Scene(too_many_payments, 0, releases=True, payments=VELOCITY_MAX, payer="busy"),
    Scene(payer_unknown, 2),
    Scene(payer_of_another_currency, 3, second="foreigner"),
    Scene(wrong_payer, 7, releases=True, second="stranger"),
    Scene(wrong_amount, 7, releases=True, payments=2),
    Scene(wrong_currency, 3, payer="foreigner"),
    Scene(second_payment, 7, releases=True, payments=2),
    Scene(same_payment_id, 3, releases=True),
    Scene(trade_unknown, 3),
    Scene(not_created, 4, second="stranger"),
    Scene(created_twice, 3, releases=True),
    Scene(confirmed_too_early, 4, releases=True),
    Scene(shipped_twice, 3, releases=True),
    Scene(extended_twice, 3, releases=True),
    Scene(wrong_party, 4, releases=True),
    Scene(confirmed_with_open_refund, 7, releases=True),
    Scene(refund_too_large, 4, releases=True),
    Scene(refund_mixed_up, 3, releases=True),
    Scene(reused_id, 3, releases=True, payments=2),
    Scene(invalid, 5, releases=True, payments=3),
    Scene(same_body_in_other_words, 2, releases=True),
    Scene(cancelled_twice, 2),
)
