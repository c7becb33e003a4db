"""Accounts on the wire: customers and merchants, their wallets, top-ups and payout banks."""

from typing import ClassVar, Literal

from danbao.contracts import policy, rejection
from danbao.contracts.message import Command, Event, Id, Reaction, Text
from danbao.contracts.money import Amount, Currency, Money, check_currency

Kind = Literal["personal", "merchant"]
Tier = Literal["I", "II", "III"]


class OpenAccount(Command, frozen=True, kw_only=True):
    """Open a wallet for a person or a merchant; `owner` is a token, never a name."""

    KEY: ClassVar = "account_id"

    account_id: Id
    kind: Kind
    currency: Currency
    tier: Tier | None = None
    payout_bank: Id | None = None
    owner: Id | None = None

    def __post_init__(self) -> None:
        """A tier belongs to a person, a payout bank to a merchant."""
        check_currency(self.currency)
        if self.tier is not None and self.kind != "personal":
            message = "`tier` is for personal accounts"
            raise ValueError(message)
        if self.payout_bank is not None and self.kind != "merchant":
            message = "`payout_bank` is for merchant accounts"
            raise ValueError(message)


class TopUp(Command, frozen=True, kw_only=True):
    """Bring money from a bank card (a token) into a wallet."""

    KEY: ClassVar = "account_id"

    top_up_id: Id
    account_id: Id
    amount: Amount
    bank_card: Id


class FreezeAccount(Command, frozen=True, kw_only=True):
    """Decline the account's payments and refuse its top-ups from now on; moves no money."""

    KEY: ClassVar = "account_id"

    account_id: Id
    reason: Text


class UnfreezeAccount(Command, frozen=True, kw_only=True):
    """Take a freeze back."""

    KEY: ClassVar = "account_id"

    account_id: Id
    reason: Text


class SetPayoutBank(Command, frozen=True, kw_only=True):
    """Name the bank account (a token) that payouts go to from now on."""

    KEY: ClassVar = "account_id"

    account_id: Id
    payout_bank: Id


class PublishPolicy(policy.PublishPolicy, frozen=True, kw_only=True):
    """Put a new version of a policy of this service in force."""


class ConcludeTopUp(Reaction, frozen=True, kw_only=True):
    """The channel said what became of a top-up; `reason` is given when it failed."""

    top_up_id: str
    reason: str | None = None


class AccountOpened(Event, frozen=True, kw_only=True):
    """A wallet exists."""

    STREAM: ClassVar = "account/{account_id}"

    account_id: str
    kind: Kind
    currency: str
    tier: Tier | None = None
    payout_bank: str | None = None
    owner: str | None = None


class AccountFrozen(Event, frozen=True, kw_only=True):
    """Payments of the account are declined and its top-ups refused."""

    STREAM: ClassVar = "account/{account_id}"

    account_id: str
    reason: str


class AccountUnfrozen(Event, frozen=True, kw_only=True):
    """The account may pay again."""

    STREAM: ClassVar = "account/{account_id}"

    account_id: str
    reason: str


class PayoutBankSet(Event, frozen=True, kw_only=True):
    """Payouts go to this bank account from now on."""

    STREAM: ClassVar = "account/{account_id}"

    account_id: str
    payout_bank: str


class TopUpRequested(Event, frozen=True, kw_only=True):
    """The channel is asked to collect the money."""

    STREAM: ClassVar = "topup/{top_up_id}"

    top_up_id: str
    account_id: str
    amount: Money
    bank_card: str


class TopUpSettled(Event, frozen=True, kw_only=True):
    """The channel has the money: the wallet is credited."""

    STREAM: ClassVar = "topup/{top_up_id}"

    top_up_id: str
    account_id: str
    amount: Money


class TopUpFailed(Event, frozen=True, kw_only=True):
    """The channel could not collect the money: nothing moved."""

    STREAM: ClassVar = "topup/{top_up_id}"

    top_up_id: str
    account_id: str
    amount: Money
    reason: str


class PolicyPublished(policy.PolicyPublished, frozen=True, kw_only=True):
    """A version of a policy of this service exists."""


class CommandRejected(rejection.CommandRejected, frozen=True, kw_only=True):
    """A command to this service was refused."""
