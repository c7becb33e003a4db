"""The plan of a market day: which trades there are, and what money they take (pure, streamed).

Merchants by Zipf (s = 1), buyers uniform, prices log-normal.  The plan is drawn anew, the same,
each time it is walked through, so a day of any size fits into little memory.
"""

from bisect import bisect
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import Final

from danbao.testing.market_mishaps import MISHAPS
from danbao.testing.market_people import FOREIGN_EACH, Merchant, People
from danbao.testing.market_scenes import ORDINARY, Scene
from danbao.testing.market_trade import Deal

SCENES: Final = ORDINARY + MISHAPS
PAYMENTS_A_BUYER_MAX: Final = 24
"""Well below the 30 payments an hour at which the default policy declines."""
PRICE_MINOR_MIN: Final = 100
PRICE_MINOR_MAX: Final = 3_000_000
SPARE_MINOR: Final = 100
"""What a payment may exceed the price by."""

_LETTERS = {"poor": "P", "frozen": "F", "listed": "L", "busy": "V"}
_WEIGHTS = list(accumulate(scene.weight for scene in SCENES))
_TITLES = (
    "机械键盘", "USB-C 线 2m", "红茶 250g", "手工皂", "露营灯", "二手相机", "儿童雨衣",
    "“九成新”自行车", "龙井 明前 100g", "汉服 M 码", "desk lamp", "wool socks, 3 pairs",
    "fountain pen", "used textbook: Accounting", "ceramic cup & saucer", "bicycle bell",
    "hiking boots 42", "board game", "vinyl record", "garden seeds",
)  # fmt: skip


@dataclass(slots=True)
class Tally:
    """What the trades of a plan add up to, for the accounts before and the windows after them."""

    need_minor: Counter[str] = field(default_factory=Counter)
    """Money that a payer may have under way, all its trades together."""
    payments: Counter[str] = field(default_factory=Counter)
    special: Counter[str] = field(default_factory=Counter)
    """Trades of payers with a role, by role."""
    sellers: set[str] = field(default_factory=set)
    """Merchants who get money."""


class Plan:
    """All deals of a day."""

    def __init__(
        self, trades: int, seed: int, people: People, weights: Sequence[int] | None = None
    ) -> None:
        """Every scene happens at least once on a day that has room for them.

        `weights` say how often each of `SCENES` happens, added up; without, each has its own.
        """
        self._trades = trades
        self._seed = seed
        self._people = people
        self._weights = _WEIGHTS if weights is None else weights
        random = Random(f"{seed}/scenes")  # noqa: S311  a game, not a secret
        places = random.sample(range(trades), len(SCENES)) if trades >= 3 * len(SCENES) else []
        self._placed = dict(zip(places, SCENES, strict=False))

    def deals(self, tally: Tally) -> Iterator[tuple[Deal, Scene]]:
        """Walk through the deals; `tally` must be fresh, and is complete at the end."""
        random = Random(f"{self._seed}/plan")  # noqa: S311
        for number in range(self._trades):
            drawn = SCENES[bisect(self._weights, random.randrange(self._weights[-1]))]
            scene = self._placed.get(number, drawn)
            deal = self._deal(number, scene, random, tally)
            tally.need_minor[deal.buyer] += scene.payments * (deal.amount_minor + SPARE_MINOR)
            tally.need_minor[deal.second] += deal.amount_minor + SPARE_MINOR
            if scene.releases:
                tally.sellers.add(deal.seller)
            yield deal, scene

    def tally(self) -> Tally:
        """Add everything up."""
        tally = Tally()
        for _ in self.deals(tally):
            pass
        return tally

    def _deal(self, number: int, scene: Scene, random: Random, tally: Tally) -> Deal:
        """Draw one deal."""
        people = self._people
        merchant = self._merchant(scene, random)
        is_foreign = merchant.currency != "CNY"
        median, spread = (3_000, 1.0) if is_foreign else (8_000, 1.1)
        price = int(median * random.lognormvariate(0, spread))
        # Draw a fixed number of times, so that one scene does not shift all that follow.
        same, other = random.random(), random.random()
        buyer = second = ""
        if scene.payer in _LETTERS:
            buyer = self._special(scene.payer, tally)
        else:
            of_dollars = is_foreign != (scene.payer == "foreigner")
            buyer = self._buyer(same, of_dollars=of_dollars, payments=scene.payments, tally=tally)
        if scene.second:
            of_dollars = is_foreign != (scene.second == "foreigner")
            second = self._buyer(other, of_dollars=of_dollars, tally=tally, not_this=buyer)
        return Deal(
            number=number,
            trade_id=people.trade(number),
            buyer=buyer,
            seller=merchant.account_id,
            amount_minor=min(max(price, PRICE_MINOR_MIN), PRICE_MINOR_MAX),
            currency=merchant.currency,
            title=random.choice(_TITLES),
            second=second,
        )

    def _merchant(self, scene: Scene, random: Random) -> Merchant:
        """Draw a seller; payers with a role keep yuan, so they buy from such sellers."""
        weights, merchants = self._people.merchant_weights, self._people.merchants
        merchant = merchants[bisect(weights, random.random() * weights[-1])]
        if scene.payer in _LETTERS and merchant.currency != "CNY":
            return merchants[0]
        return merchant

    def _special(self, role: str, tally: Tally) -> str:
        """Name a payer with a role; a new one before the old one pays too often."""
        tally.special[role] += 1
        return self._people.special(
            _LETTERS[role], (tally.special[role] - 1) // PAYMENTS_A_BUYER_MAX
        )

    def _buyer(
        self,
        place: float,
        *,
        of_dollars: bool,
        tally: Tally,
        payments: int = 1,
        not_this: str = "",
    ) -> str:
        """Take the buyer at a place, or the next who has not paid too often yet."""
        people = self._people
        start = int(place * people.buyers)
        for step in range(2 * people.buyers):
            number = (start + step) % people.buyers
            if (number % FOREIGN_EACH == FOREIGN_EACH // 2) != of_dollars:
                continue
            name = people.buyer(number)
            if name == not_this or tally.payments[name] + payments > PAYMENTS_A_BUYER_MAX:
                continue
            tally.payments[name] += payments
            return name
        message = "too few buyers for so many payments"
        raise AssertionError(message)
