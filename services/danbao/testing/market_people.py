"""Who is on the market of one day, and what money they have; all named by the seed."""

from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate
from typing import Final, Literal

Bank = Literal["ok", "fail", "none"]

BUYERS_MIN: Final = 40
TRADES_A_BUYER: Final = 5
MERCHANTS_MIN: Final = 14
TRADES_A_MERCHANT: Final = 60
MERCHANTS_MAX: Final = 10_000
FOREIGN_EACH: Final = 6
"""Every sixth buyer and merchant keeps US dollars."""


@dataclass(frozen=True, slots=True)
class Merchant:
    """A seller; `bank` says how its bank account behaves."""

    account_id: str
    currency: str
    bank: Bank


class People:
    """The names of a day: two seeds never share one."""

    def __init__(
        self,
        trades: int,
        seed: int,
        *,
        buyers_min: int = BUYERS_MIN,
        merchants_min: int = MERCHANTS_MIN,
    ) -> None:
        """Size the market for so many trades; the fewer people, the more they meet."""
        self.seed = seed
        self.source = f"shop-{seed}"
        self.buyers = max(buyers_min, trades // TRADES_A_BUYER)
        merchants = min(MERCHANTS_MAX, max(merchants_min, trades // TRADES_A_MERCHANT))
        self.merchants = [self._merchant(number) for number in range(merchants)]
        self.merchant_weights = list(accumulate(1 / (rank + 1) for rank in range(merchants)))
        self.blocked_device = f"device-{seed}-blocked"
        digits = sha256(str(seed).encode()).hexdigest()
        self.blocked_ip = f"2001:db8:{digits[:4]}:{digits[4:8]}:{digits[8:12]}::1"

    def buyer(self, number: int) -> str:
        """Name a buyer."""
        return f"B{self.seed}-{number}"

    def buyer_currency(self, number: int) -> str:
        """Tell what a buyer's wallet holds."""
        return "USD" if number % FOREIGN_EACH == FOREIGN_EACH // 2 else "CNY"

    def special(self, letter: str, number: int) -> str:
        """Name somebody with a role: P(oor), F(rozen), L(isted), V(ery busy), X (nobody)."""
        return f"{letter}{self.seed}-{number}"

    def trade(self, number: int) -> str:
        """Name a trade."""
        return f"T{self.seed}-{number}"

    def _merchant(self, number: int) -> Merchant:
        """Spread currencies and banks so that the largest merchants are ordinary."""
        bank: Bank = "ok"
        if number % 7 == 4:  # noqa: PLR2004
            bank = "fail"
        elif number % 9 == 5:  # noqa: PLR2004
            bank = "none"
        currency = "USD" if number % FOREIGN_EACH == FOREIGN_EACH // 2 else "CNY"
        return Merchant(f"M{self.seed}-{number}", currency, bank)
