"""The state of a merchant: open windows by currency, payouts on their way."""

from datetime import datetime
from typing import TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from danbao.contracts import settlement as m
from danbao.contracts.decider import Deadline

MerchantEvent: TypeAlias = (
    m.CreditRecorded | m.WindowClosed | m.PayoutRequested | m.PayoutPaid | m.PayoutFailed
)


class Window(msgspec.Struct, frozen=True, omit_defaults=True):
    """The open window of one currency; amounts are minor units."""

    number: int = 1
    gross: int = 0
    fee: int = 0
    count: int = 0
    first_version: int = 0
    last_version: int = 0
    closes_at: datetime | None = None


class Merchant(msgspec.Struct, frozen=True, omit_defaults=True):
    """One merchant; `version` counts the events of its stream."""

    name: str = ""
    version: int = 0
    windows: dict[str, Window] = {}
    open_payouts: tuple[str, ...] = ()
    payouts: int = 0

    def window(self, currency: str) -> Window:
        """The open window of a currency, empty when there was no credit yet."""
        return self.windows.get(currency) or Window()

    @property
    def currencies(self) -> tuple[str, ...]:
        """The currencies in which the merchant ever had a credit."""
        return tuple(self.windows)


def evolve(merchant: Merchant, event: MerchantEvent) -> Merchant:
    """Apply one fact."""
    version = merchant.version + 1
    merchant = replace(merchant, name=event.merchant, version=version)
    match event:
        case m.CreditRecorded():
            return _credited(merchant, event)
        case m.WindowClosed():
            currency = event.gross.currency
            following = Window(number=merchant.window(currency).number + 1)
            return replace(merchant, windows=merchant.windows | {currency: following})
        case m.PayoutRequested():
            open_payouts = (*merchant.open_payouts, event.payout_id)
            return replace(merchant, open_payouts=open_payouts, payouts=merchant.payouts + 1)
        case m.PayoutPaid() | m.PayoutFailed():
            left = tuple(name for name in merchant.open_payouts if name != event.payout_id)
            return replace(merchant, open_payouts=left)
        case _:
            assert_never(event)


def timers(merchant: Merchant) -> tuple[Deadline, ...]:
    """Each open window with a credit closes at its cut-off."""
    return tuple(
        Deadline(
            window.closes_at,
            m.CutOffWindow(merchant=merchant.name, currency=currency, generation=window.number),
        )
        for currency, window in merchant.windows.items()
        if window.closes_at is not None
    )


def _credited(merchant: Merchant, event: m.CreditRecorded) -> Merchant:
    currency = event.gross.currency
    window = merchant.window(currency)
    counted = replace(
        window,
        gross=window.gross + event.gross.minor,
        fee=window.fee + event.fee.minor,
        count=window.count + 1,
        first_version=window.first_version or merchant.version,
        last_version=merchant.version,
        closes_at=event.closes_at,
    )
    return replace(merchant, windows=merchant.windows | {currency: counted})
