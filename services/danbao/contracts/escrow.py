"""Escrow on the wire: trades whose money is held until the buyer confirms, and their refunds."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal

import msgspec

from danbao.contracts import policy, rejection
from danbao.contracts.message import Command, Event, Id, Reaction, Seconds, Text, Timer
from danbao.contracts.money import Amount, Money
from danbao.contracts.rejection import ReturnReason

RefundKind = Literal["money_only", "return_and_refund"]
ReleaseCause = Literal["buyer", "timer"]
CloseReason = Literal["cancelled", "pay_timeout", "refunded"]


class TradeCommand(Command, frozen=True, kw_only=True):
    """Any command about one trade; the trade's id is the flow."""

    KEY: ClassVar = "trade_id"

    trade_id: Id


class CreateTrade(TradeCommand, frozen=True, kw_only=True):
    """Agree on a trade: the buyer is to pay `amount` to the platform, for the seller."""

    buyer: Id
    seller: Id
    amount: Amount
    title: Text
    pay_within_s: Seconds | None = None
    ship_within_s: Seconds | None = None
    auto_confirm_s: Seconds | None = None


class ShipTrade(TradeCommand, frozen=True, kw_only=True):
    """The seller handed the goods to a carrier."""

    carrier: Text
    tracking_no: Text


class ExtendReceipt(TradeCommand, frozen=True, kw_only=True):
    """The buyer wants more time before receipt is confirmed by itself; once a trade."""

    days: Annotated[int, msgspec.Meta(ge=1, le=10)]


class ConfirmReceipt(TradeCommand, frozen=True, kw_only=True):
    """The buyer has the goods: release the money to the seller."""


class CancelTrade(TradeCommand, frozen=True, kw_only=True):
    """Give the trade up before it is paid."""

    reason: Text


class ApplyRefund(TradeCommand, frozen=True, kw_only=True):
    """The buyer asks for money back before release."""

    refund_id: Id
    amount: Amount
    kind: RefundKind
    reason: Text


class RefundCommand(TradeCommand, frozen=True, kw_only=True):
    """Any command about a refund that was applied for."""

    refund_id: Id


class AgreeRefund(RefundCommand, frozen=True, kw_only=True):
    """The seller agrees: the money goes back at once."""


class RefuseRefund(RefundCommand, frozen=True, kw_only=True):
    """The seller refuses; the trade goes on."""


class CancelRefund(RefundCommand, frozen=True, kw_only=True):
    """The buyer takes the application back; the trade goes on."""


class FreezeTrade(TradeCommand, frozen=True, kw_only=True):
    """Stop the trade and its timers, by risk or court order."""

    reason: Text


class UnfreezeTrade(TradeCommand, frozen=True, kw_only=True):
    """Let the trade and its timers go on with what was left."""

    reason: Text


class PublishPolicy(policy.PublishPolicy, frozen=True, kw_only=True):
    """Put a new version of a policy of this service in force."""


class TimeOutPayment(Timer, frozen=True, kw_only=True):
    """The buyer did not pay in time."""

    KEY: ClassVar = "trade_id"

    trade_id: Id


class AutoConfirmReceipt(Timer, frozen=True, kw_only=True):
    """The buyer stayed silent: receipt counts as confirmed."""

    KEY: ClassVar = "trade_id"

    trade_id: Id


class AutoAgreeRefund(Timer, frozen=True, kw_only=True):
    """The seller stayed silent: the refund counts as agreed."""

    KEY: ClassVar = "trade_id"

    trade_id: Id


class TakePayment(Reaction, frozen=True, kw_only=True):
    """A payment was captured for a trade: hold it, or send it back."""

    payment_id: str
    trade_id: str
    payer: str
    amount: Money


class TradeEvent(Event, frozen=True, kw_only=True):
    """Any fact about one trade."""

    STREAM: ClassVar = "trade/{trade_id}"

    trade_id: str


class TradeCreated(TradeEvent, frozen=True, kw_only=True):
    """A trade awaits its payment until `pay_by`."""

    buyer: str
    seller: str
    amount: Money
    title: str
    pay_within_s: int
    ship_within_s: int
    auto_confirm_s: int
    pay_by: datetime
    policy_version: int


class TradeFunded(TradeEvent, frozen=True, kw_only=True):
    """The trade is paid: the platform holds the money."""

    payment_id: str
    payer: str
    amount: Money


class PaymentReturned(Event, frozen=True, kw_only=True):
    """A captured payment that the trade could not take went back to its payer."""

    STREAM: ClassVar = "return/{payment_id}"

    payment_id: str
    trade_id: str
    payer: str
    amount: Money
    reason: ReturnReason


class TradeShipped(TradeEvent, frozen=True, kw_only=True):
    """The goods are on their way; `auto_confirm_at` is null while the timer is paused."""

    carrier: str
    tracking_no: str
    auto_confirm_at: datetime | None


class ReceiptExtended(TradeEvent, frozen=True, kw_only=True):
    """The buyer has more time; `auto_confirm_at` is null while the timer is paused."""

    days: int
    auto_confirm_at: datetime | None


class TradeReleased(TradeEvent, frozen=True, kw_only=True):
    """What was paid and not refunded belongs to the seller."""

    seller: str
    amount: Money
    cause: ReleaseCause


class TradeClosed(TradeEvent, frozen=True, kw_only=True):
    """The trade is over without a release."""

    reason: CloseReason
    refunded_total: Money


class RefundApplied(TradeEvent, frozen=True, kw_only=True):
    """The seller has until `agree_by` to answer (null while the trade is frozen)."""

    refund_id: str
    amount: Money
    kind: RefundKind
    reason: str
    agree_by: datetime | None
    applied_at: datetime
    answer_within_s: int
    policy_version: int


class TradeRefunded(TradeEvent, frozen=True, kw_only=True):
    """A refund was agreed and paid back to the buyer."""

    refund_id: str
    buyer: str
    amount: Money
    refunded_total: Money
    auto_confirm_at: datetime | None


class RefundRefused(TradeEvent, frozen=True, kw_only=True):
    """The seller refused; the trade goes on where it was."""

    refund_id: str
    auto_confirm_at: datetime | None


class RefundCancelled(TradeEvent, frozen=True, kw_only=True):
    """The buyer took the application back; the trade goes on where it was."""

    refund_id: str
    auto_confirm_at: datetime | None


class TradeFrozen(TradeEvent, frozen=True, kw_only=True):
    """The trade and its timers stand still."""

    reason: str
    frozen_at: datetime


class TradeUnfrozen(TradeEvent, frozen=True, kw_only=True):
    """The trade goes on, each timer with what was left of it."""

    reason: str
    unfrozen_at: datetime
    pay_by: datetime | None
    auto_confirm_at: datetime | None
    agree_by: datetime | None


class PolicyPublished(policy.PolicyPublished, frozen=True, kw_only=True):
    """A version of a policy of this service exists."""


class CommandRejected(rejection.CommandRejected, frozen=True, kw_only=True):
    """A command to this service was refused."""
