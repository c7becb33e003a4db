"""Shared facts: the few things one service may ask about another service's streams.

The owner writes a fact in the transaction of the event that changes it; who decides by it reads
it locked, so a decision sees every event committed before it (architecture 3).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

import msgspec

from danbao.contracts.accounts import Kind
from danbao.contracts.policy import PolicyBody


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """What is shared about one entity."""


class AccountFact(Fact, frozen=True, kw_only=True):
    """`account/<id>`: written by accounts."""

    kind: Kind
    currency: str
    frozen: bool = False
    payout_bank: str | None = None


class ListFact(Fact, frozen=True, kw_only=True):
    """`list/<kind>/<value>`: written by risk."""

    listed: bool


class PolicyVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One published version of a policy."""

    version: int
    effective_from: datetime
    body: dict[str, object]


class PolicyFact(Fact, frozen=True, kw_only=True):
    """`policy/<name>`: all published versions, oldest first; written by the policy's service."""

    versions: tuple[PolicyVersion, ...] = ()


FACT_TYPES: Mapping[str, type[Fact]] = {
    "account": AccountFact,
    "list": ListFact,
    "policy": PolicyFact,
}

FactT = TypeVar("FactT", bound=Fact)
BodyT = TypeVar("BodyT", bound=PolicyBody)


def account_key(account_id: str) -> str:
    """Key of the fact about an account."""
    return f"account/{account_id}"


def list_key(kind: str, value: str) -> str:
    """Key of the fact about an entry of the block list."""
    return f"list/{kind}/{value}"


def policy_key(policy: str) -> str:
    """Key of the fact about a policy."""
    return f"policy/{policy}"


class Facts(msgspec.Struct, frozen=True):
    """Everything from outside that a decision may use; a decider asks nothing else."""

    now: datetime
    actor: str | None = None
    shared: Mapping[str, Fact | None] = {}
    balances: Mapping[tuple[str, str], int] = {}

    def fact(self, key: str, kind: type[FactT]) -> FactT | None:
        """Give the fact of that key, or None when nothing was shared.

        Raises:
            KeyError: the decision did not say in `needs` that it would ask.
        """
        fact = self.shared[key]
        assert fact is None or isinstance(fact, kind)
        return fact

    def account(self, account_id: str) -> AccountFact | None:
        """Give what is shared about an account; None when it was never opened."""
        return self.fact(account_key(account_id), AccountFact)

    def is_listed(self, kind: str, value: str) -> bool:
        """Tell whether the block list has the value."""
        fact = self.fact(list_key(kind, value), ListFact)
        return fact is not None and fact.listed

    def policy(self, name: str, body_type: type[BodyT]) -> tuple[int, BodyT]:
        """Give version and body of the policy in force now; version 0 is the default."""
        fact = self.fact(policy_key(name), PolicyFact)
        for published in reversed(fact.versions if fact else ()):
            if published.effective_from <= self.now:
                return published.version, msgspec.convert(published.body, body_type)
        return 0, body_type()

    def balance(self, account: str, currency: str) -> int:
        """Give the balance of a guarded account, in minor units.

        Raises:
            KeyError: the decision did not say in `needs` that it may debit the account.
        """
        return self.balances[account, currency]
