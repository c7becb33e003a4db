"""Refusals and declines: the closed vocabulary of why something did not happen.

A refusal answers a command and changes nothing; it is final for the command's id.  Several may
apply: the first in the order of the contract (section "Order where several apply") is given.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from danbao.contracts.message import Event


class RejectionCode(StrEnum):
    """Why a command is refused.  Codes are added, never renamed or removed."""

    COMMAND_ID_REUSED = "command_id_reused"
    INVALID_COMMAND = "invalid_command"
    NOT_ALLOWED = "not_allowed"
    ACCOUNT_UNKNOWN = "account_unknown"
    SELLER_UNKNOWN = "seller_unknown"
    SELLER_NOT_MERCHANT = "seller_not_merchant"
    TRADE_UNKNOWN = "trade_unknown"
    REFUND_UNKNOWN = "refund_unknown"
    ENTRY_UNKNOWN = "entry_unknown"
    POLICY_UNKNOWN = "policy_unknown"
    ACCOUNT_EXISTS = "account_exists"
    TOP_UP_EXISTS = "top_up_exists"
    TRADE_EXISTS = "trade_exists"
    PAYMENT_EXISTS = "payment_exists"
    REFUND_EXISTS = "refund_exists"
    ENTRY_EXISTS = "entry_exists"
    ACCOUNT_FROZEN = "account_frozen"
    TRADE_FROZEN = "trade_frozen"
    ALREADY_FROZEN = "already_frozen"
    NOT_FROZEN = "not_frozen"
    WRONG_STATE = "wrong_state"
    EXTENSION_LIMIT = "extension_limit"
    REFUND_OPEN = "refund_open"
    CURRENCY_MISMATCH = "currency_mismatch"
    REFUND_EXCEEDS = "refund_exceeds"
    BUYER_IS_SELLER = "buyer_is_seller"
    PAYOUT_BANK_MISSING = "payout_bank_missing"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    WINDOW_EMPTY = "window_empty"
    POLICY_INVALID = "policy_invalid"


MEANING: Mapping[RejectionCode, tuple[str, str]] = {
    RejectionCode.COMMAND_ID_REUSED: (
        "The id was used before with another body.",
        "Send a new wish under a new id.",
    ),
    RejectionCode.INVALID_COMMAND: (
        "The command is readable, but breaks its schema; facts name the field.",
        "Mend the field and send it under a new id.",
    ),
    RejectionCode.NOT_ALLOWED: (
        "The actor may not send this command about this entity.",
        "Let the party that may do so send it.",
    ),
    RejectionCode.ACCOUNT_UNKNOWN: ("No such account.", "Open the account first."),
    RejectionCode.SELLER_UNKNOWN: ("No account has the seller's id.", "Open the account first."),
    RejectionCode.SELLER_NOT_MERCHANT: (
        "The seller's account is a personal one.",
        "Name a merchant account.",
    ),
    RejectionCode.TRADE_UNKNOWN: ("No such trade.", "Create the trade first."),
    RejectionCode.REFUND_UNKNOWN: ("The trade has no such refund.", "Apply for it first."),
    RejectionCode.ENTRY_UNKNOWN: ("The value is not on the list.", "Nothing to do."),
    RejectionCode.POLICY_UNKNOWN: (
        "This service has no policy of that name.",
        "Use a name of the policy catalogue.",
    ),
    RejectionCode.ACCOUNT_EXISTS: ("The account id is taken.", "Use it, or another id."),
    RejectionCode.TOP_UP_EXISTS: ("The top-up id is taken.", "Ask what became of it."),
    RejectionCode.TRADE_EXISTS: ("The trade id is taken.", "Use it, or another id."),
    RejectionCode.PAYMENT_EXISTS: ("The payment id is taken.", "Ask what became of it."),
    RejectionCode.REFUND_EXISTS: ("The trade has a refund of that id.", "Use another id."),
    RejectionCode.ENTRY_EXISTS: ("The value is on the list already.", "Nothing to do."),
    RejectionCode.ACCOUNT_FROZEN: (
        "The account is frozen.",
        "Try again, under a new id, once it is unfrozen.",
    ),
    RejectionCode.TRADE_FROZEN: (
        "The trade is frozen.",
        "Try again, under a new id, once it is unfrozen.",
    ),
    RejectionCode.ALREADY_FROZEN: ("The account is frozen already.", "Nothing to do."),
    RejectionCode.NOT_FROZEN: ("The account is not frozen.", "Nothing to do."),
    RejectionCode.WRONG_STATE: (
        "The entity is not in a state in which this is possible; facts say which it is in.",
        "Do not retry.",
    ),
    RejectionCode.EXTENSION_LIMIT: ("Receipt was extended once already.", "Do not retry."),
    RejectionCode.REFUND_OPEN: (
        "A refund of the trade awaits its answer.",
        "Answer or cancel the refund, then try again under a new id.",
    ),
    RejectionCode.CURRENCY_MISMATCH: (
        "The currency is not the one of the account or trade.",
        "Send the amount in the right currency under a new id.",
    ),
    RejectionCode.REFUND_EXCEEDS: (
        "More than what is left of the paid amount.",
        "Ask for at most what facts say is refundable.",
    ),
    RejectionCode.BUYER_IS_SELLER: ("Buyer and seller are one account.", "Name two accounts."),
    RejectionCode.PAYOUT_BANK_MISSING: (
        "The merchant has no bank account to be paid to.",
        "Set the payout bank, then ask again under a new id.",
    ),
    RejectionCode.INSUFFICIENT_FUNDS: (
        "Not so much is available in this currency.",
        "Ask for at most what facts say is available.",
    ),
    RejectionCode.WINDOW_EMPTY: (
        "The merchant has no credit in the open window.",
        "Nothing to do.",
    ),
    RejectionCode.POLICY_INVALID: (
        "The body does not fit the policy; facts name the field.",
        "Mend the field and send it under a new id.",
    ),
}


class DeclineCode(StrEnum):
    """Why a payment was declined, in the order in which they are checked."""

    RISK_DECLINED = "risk_declined"
    ACCOUNT_UNKNOWN = "account_unknown"
    ACCOUNT_FROZEN = "account_frozen"
    CURRENCY_MISMATCH = "currency_mismatch"
    INSUFFICIENT_FUNDS = "insufficient_funds"


class ReturnReason(StrEnum):
    """Why a captured payment went back to its payer, in the order in which they are checked."""

    TRADE_UNKNOWN = "trade_unknown"
    TRADE_CLOSED = "trade_closed"
    ALREADY_PAID = "already_paid"
    WRONG_PAYER = "wrong_payer"
    WRONG_AMOUNT = "wrong_amount"
    WRONG_CURRENCY = "wrong_currency"


@dataclass(frozen=True, slots=True)
class Rejected:
    """The answer "no", with the facts that explain it (plain values only)."""

    code: RejectionCode
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Postponed:
    """The answer "not yet": what this waits for is on its way from another service.

    Only a reaction may be postponed; the kernel tries it again a little later.
    """

    reason: str


class CommandRejected(Event, frozen=True, kw_only=True):
    """The answer to a refused command, on a stream of its own that has no state."""

    STREAM: ClassVar = "rejection/{command_id}"

    command_id: str
    command_type: str
    code: RejectionCode
    facts: dict[str, object]
