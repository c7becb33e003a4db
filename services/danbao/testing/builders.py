"""Builders: amounts and shared facts in a word or two, so that a test shows only what matters."""

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from danbao.contracts.accounts import Kind
from danbao.contracts.facts import (
    AccountFact,
    Fact,
    ListFact,
    PolicyFact,
    PolicyVersion,
    account_key,
    list_key,
    policy_key,
)
from danbao.contracts.money import Amount
from danbao.contracts.policy import PolicyBody

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""When a specification begins unless `at` says otherwise: a Monday, 09:00 in Shanghai."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A fact under its key, as the service that owns it shares it."""

    key: str
    fact: Fact


def fen(minor: int) -> Amount:
    """So many fen; 100 fen are one yuan."""
    return Amount(minor, "CNY")


def cents(minor: int) -> Amount:
    """So many cents of a US dollar, for what must not be mixed with fen."""
    return Amount(minor, "USD")


def account(
    account_id: str,
    *,
    kind: Kind = "personal",
    currency: str = "CNY",
    frozen: bool = False,
    payout_bank: str | None = None,
) -> Shared:
    """Share an open account."""
    fact = AccountFact(kind=kind, currency=currency, frozen=frozen, payout_bank=payout_bank)
    return Shared(account_key(account_id), fact)


def listed(kind: str, value: str) -> Shared:
    """Share that the block list has an account, device or ip."""
    return Shared(list_key(kind, value), ListFact(listed=True))


def policy(name: str, *bodies: PolicyBody, effective_from: datetime = START) -> Shared:
    """Share versions 1, 2, … of a policy, all in force from the same moment."""
    versions = tuple(
        PolicyVersion(
            version=number, effective_from=effective_from, body=msgspec.structs.asdict(body)
        )
        for number, body in enumerate(bodies, start=1)
    )
    return Shared(policy_key(name), PolicyFact(versions=versions))
