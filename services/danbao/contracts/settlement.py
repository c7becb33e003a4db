"""Settlement on the wire: merchants' credits, windows, fees and payouts."""

from datetime import datetime
from typing import ClassVar

from danbao.contracts import policy, rejection
from danbao.contracts.message import Command, Event, Id, Reaction, Timer
from danbao.contracts.money import Amount, Currency, Money, check_currency


class CloseWindow(Command, frozen=True, kw_only=True):
    """Close the merchant's open window: take the fee, make the rest available, pay it out."""

    KEY: ClassVar = "merchant"

    merchant: Id
    currency: Currency

    def __post_init__(self) -> None:
        """Refuse currencies that do not exist."""
        check_currency(self.currency)


class RequestPayout(Command, frozen=True, kw_only=True):
    """Pay out what is available to the merchant, or `amount` of it."""

    KEY: ClassVar = "merchant"

    merchant: Id
    amount: Amount | None = None


class PublishPolicy(policy.PublishPolicy, frozen=True, kw_only=True):
    """Put a new version of a policy of this service in force."""


class CutOffWindow(Timer, frozen=True, kw_only=True):
    """The daily cut-off has come: close the window if it is still open."""

    KEY: ClassVar = "merchant"

    merchant: Id
    currency: Currency

    @property
    def name(self) -> str:
        """Windows of several currencies have a timer each."""
        return f"cut_off_window:{self.currency}"


class RecordCredit(Reaction, frozen=True, kw_only=True):
    """A trade was released to a merchant: count it into the open window."""

    trade_id: str
    merchant: str
    amount: Money


class ConcludePayout(Reaction, frozen=True, kw_only=True):
    """The channel said what became of a payout; `reason` is given when it failed."""

    payout_id: str
    merchant: str
    amount: Money
    reason: str | None = None


class CreditRecorded(Event, frozen=True, kw_only=True):
    """A released trade is in a window; its fee is fixed, and posted when the window closes."""

    STREAM: ClassVar = "merchant/{merchant}"

    trade_id: str
    merchant: str
    gross: Money
    fee: Money
    net: Money
    fee_bps: int
    policy_version: int
    window_id: str
    closes_at: datetime | None = None


class WindowClosed(Event, frozen=True, kw_only=True):
    """A window is complete: the credits from `first_version` to `last_version` of the stream."""

    STREAM: ClassVar = "merchant/{merchant}"

    window_id: str
    merchant: str
    gross: Money
    fee: Money
    net: Money
    count: int
    first_version: int
    last_version: int


class PayoutRequested(Event, frozen=True, kw_only=True):
    """The bank is asked to pay the merchant; `window_id` is null when the merchant asked."""

    STREAM: ClassVar = "merchant/{merchant}"

    payout_id: str
    window_id: str | None
    merchant: str
    amount: Money
    payout_bank: str


class PayoutPaid(Event, frozen=True, kw_only=True):
    """The money left our bank for the merchant's."""

    STREAM: ClassVar = "merchant/{merchant}"

    payout_id: str
    merchant: str
    amount: Money


class PayoutFailed(Event, frozen=True, kw_only=True):
    """The bank could not pay: the money is available to the merchant again."""

    STREAM: ClassVar = "merchant/{merchant}"

    payout_id: str
    merchant: str
    amount: Money
    reason: str


class PolicyPublished(policy.PolicyPublished, frozen=True, kw_only=True):
    """A version of a policy of this service exists."""


class CommandRejected(rejection.CommandRejected, frozen=True, kw_only=True):
    """A command to this service was refused."""
