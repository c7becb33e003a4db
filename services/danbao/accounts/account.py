"""Account: a wallet of a person or a merchant, in one currency; it may be frozen."""

from collections.abc import Mapping
from typing import assert_never

import msgspec
from msgspec.structs import replace

from danbao.contracts import accounts as m
from danbao.contracts.actor import refuse_actor
from danbao.contracts.decider import Decider, Decision
from danbao.contracts.facts import AccountFact, Fact, Facts, account_key
from danbao.contracts.rejection import Rejected, RejectionCode

AccountCommand = m.OpenAccount | m.FreezeAccount | m.UnfreezeAccount | m.SetPayoutBank
AccountEvent = m.AccountOpened | m.AccountFrozen | m.AccountUnfrozen | m.PayoutBankSet


class Account(msgspec.Struct, frozen=True, omit_defaults=True):
    """One account; `fact` is None before it is opened."""

    fact: AccountFact | None = None


def decide(command: AccountCommand, account: Account, facts: Facts) -> Decision:
    """Answer with the facts the command causes, or with the one reason it is refused."""
    account_id = command.account_id
    if isinstance(command, m.OpenAccount):
        if account.fact is not None:
            return Rejected(RejectionCode.ACCOUNT_EXISTS, {"account_id": account_id})
        return [m.AccountOpened(**msgspec.structs.asdict(command))]
    if isinstance(command, m.FreezeAccount | m.UnfreezeAccount) and (
        refused := refuse_actor(facts.actor, "operator")
    ):
        return refused
    if account.fact is None:
        return Rejected(RejectionCode.ACCOUNT_UNKNOWN, {"account_id": account_id})
    match command:
        case m.FreezeAccount():
            if account.fact.frozen:
                return Rejected(RejectionCode.ALREADY_FROZEN, {"account_id": account_id})
            return [m.AccountFrozen(account_id=account_id, reason=command.reason)]
        case m.UnfreezeAccount():
            if not account.fact.frozen:
                return Rejected(RejectionCode.NOT_FROZEN, {"account_id": account_id})
            return [m.AccountUnfrozen(account_id=account_id, reason=command.reason)]
        case m.SetPayoutBank():
            return [m.PayoutBankSet(account_id=account_id, payout_bank=command.payout_bank)]
        case _:
            assert_never(command)


def evolve(account: Account, event: AccountEvent) -> Account:
    """Apply one fact."""
    if isinstance(event, m.AccountOpened):
        return Account(
            AccountFact(kind=event.kind, currency=event.currency, payout_bank=event.payout_bank)
        )
    assert account.fact is not None
    match event:
        case m.AccountFrozen():
            return Account(replace(account.fact, frozen=True))
        case m.AccountUnfrozen():
            return Account(replace(account.fact, frozen=False))
        case m.PayoutBankSet():
            return Account(replace(account.fact, payout_bank=event.payout_bank))
        case _:
            assert_never(event)


def share(stream: str, account: Account) -> Mapping[str, Fact]:
    """Every service may ask for kind, currency, freeze and payout bank."""
    return {} if account.fact is None else {stream: account.fact}


decider = Decider(
    category="account",
    initial=Account(),
    decide=decide,
    evolve=evolve,
    share=share,
    stream_of=lambda command: account_key(command.account_id),
    commands=(m.OpenAccount, m.FreezeAccount, m.UnfreezeAccount, m.SetPayoutBank),
    events=(m.AccountOpened, m.AccountFrozen, m.AccountUnfrozen, m.PayoutBankSet),
)
