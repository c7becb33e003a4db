"""Top-up: money from a bank card into a wallet (domain 2.9); the channel says how it went."""

from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from danbao.contracts import accounts as m
from danbao.contracts.decider import NOTHING, Decider, Decision, Needs, Wish
from danbao.contracts.facts import Facts, account_key
from danbao.contracts.money import Money
from danbao.contracts.rejection import Rejected, RejectionCode


class TopUp(msgspec.Struct, frozen=True, omit_defaults=True):
    """One top-up; `status` is empty before it is requested."""

    status: Literal["", "requested", "settled", "failed"] = ""
    account_id: str = ""
    minor: int = 0
    currency: str = ""


def decide(wish: m.TopUp | m.ConcludeTopUp, top_up: TopUp, facts: Facts) -> Decision:
    """Ask the channel for the money, or conclude what it answered."""
    match wish:
        case m.TopUp():
            return _request(wish, top_up, facts)
        case m.ConcludeTopUp():
            return [] if top_up.status != "requested" else [_conclude(wish, top_up)]
        case _:
            assert_never(wish)


def _request(command: m.TopUp, top_up: TopUp, facts: Facts) -> Decision:
    account = facts.account(command.account_id)
    if account is None:
        return Rejected(RejectionCode.ACCOUNT_UNKNOWN, {"account_id": command.account_id})
    if top_up.status:
        return Rejected(RejectionCode.TOP_UP_EXISTS, {"top_up_id": command.top_up_id})
    if account.frozen:
        return Rejected(RejectionCode.ACCOUNT_FROZEN, {"account_id": command.account_id})
    if account.currency != command.amount.currency:
        return Rejected(RejectionCode.CURRENCY_MISMATCH, {"currency": account.currency})
    requested = m.TopUpRequested(
        top_up_id=command.top_up_id,
        account_id=command.account_id,
        amount=command.amount,
        bank_card=command.bank_card,
    )
    return [requested]


def _conclude(wish: m.ConcludeTopUp, top_up: TopUp) -> m.TopUpSettled | m.TopUpFailed:
    amount = Money(top_up.minor, top_up.currency)
    top_up_id, account_id = wish.top_up_id, top_up.account_id
    if wish.reason is None:
        return m.TopUpSettled(top_up_id=top_up_id, account_id=account_id, amount=amount)
    return m.TopUpFailed(
        top_up_id=top_up_id, account_id=account_id, amount=amount, reason=wish.reason
    )


def needs(wish: Wish, _top_up: TopUp) -> Needs:
    """A request asks about the account."""
    return Needs(facts=(account_key(wish.account_id),)) if isinstance(wish, m.TopUp) else NOTHING


def evolve(top_up: TopUp, event: m.TopUpRequested | m.TopUpSettled | m.TopUpFailed) -> TopUp:
    """Apply one fact."""
    match event:
        case m.TopUpRequested():
            amount = event.amount
            return TopUp("requested", event.account_id, amount.minor, amount.currency)
        case m.TopUpSettled():
            return replace(top_up, status="settled")
        case m.TopUpFailed():
            return replace(top_up, status="failed")
        case _:
            assert_never(event)


decider = Decider(
    category="topup",
    initial=TopUp(),
    decide=decide,
    evolve=evolve,
    needs=needs,
    stream_of=lambda wish: f"topup/{wish.top_up_id}",
    commands=(m.TopUp, m.ConcludeTopUp),
    events=(m.TopUpRequested, m.TopUpSettled, m.TopUpFailed),
)
