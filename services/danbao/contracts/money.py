"""Money: whole minor units (fen, cents, whole yen) of one ISO 4217 currency.  No float, ever."""

from typing import Annotated

import msgspec
from iso4217 import Currency as Iso4217

MINOR_MAX = 10**15
"""The largest amount a command may name; sums of many may be larger."""

CURRENCIES = frozenset(currency.code for currency in Iso4217)

Currency = Annotated[
    str, msgspec.Meta(pattern="^[A-Z]{3}(?!\\n)$", description="an ISO 4217 code, such as CNY")
]


def check_currency(code: str) -> None:
    """Refuse a code that ISO 4217 does not list.

    Raises:
        ValueError: naming the code.
    """
    if code not in CURRENCIES:
        message = f"`currency` {code} is not one of ISO 4217"
        raise ValueError(message)


class Money(msgspec.Struct, frozen=True, forbid_unknown_fields=True, eq=False):
    """So many minor units of a currency; zero is possible, less is not."""

    minor: Annotated[int, msgspec.Meta(ge=0)]
    currency: Currency

    def __eq__(self, other: object) -> bool:
        """Equal when minor units and currency are."""
        return (
            isinstance(other, Money)
            and self.minor == other.minor
            and self.currency == other.currency
        )

    def __hash__(self) -> int:
        """Hash by value, so that money may be a key."""
        return hash((self.minor, self.currency))


class Amount(Money, frozen=True, forbid_unknown_fields=True, eq=False):
    """Money named by a command: at least 1 and at most 10^15 minor units."""

    minor: Annotated[int, msgspec.Meta(ge=1, le=MINOR_MAX)]

    def __post_init__(self) -> None:
        """Refuse currencies that do not exist."""
        check_currency(self.currency)


def fee_half_even(gross_minor: int, fee_bps: int) -> int:
    """Fee in minor units of `gross_minor` at `fee_bps` / 10,000, half-even to the minor unit."""
    quotient, remainder = divmod(gross_minor * fee_bps, 10_000)
    half = 10_000 // 2
    if remainder > half or (remainder == half and quotient % 2 == 1):
        return quotient + 1
    return quotient
