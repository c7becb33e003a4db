"""The top-up, and what to try on it."""

from collections.abc import Sequence

from danbao.accounts.topup import TopUp, decider
from danbao.contracts import accounts as m
from danbao.contracts.facts import AccountFact, account_key
from danbao.schemas.sample import BUYER, sample
from danbao.schemas.states.machine import Label, Machine, Trial, World


def trials(_top_up: TopUp) -> Sequence[Trial]:
    """Ask for the money, and conclude what the channel answered."""
    request = sample(m.TopUp)
    open_, frozen, dollars = (
        World({account_key(BUYER): fact})
        for fact in (
            AccountFact(kind="personal", currency="CNY"),
            AccountFact(kind="personal", currency="CNY", frozen=True),
            AccountFact(kind="personal", currency="USD"),
        )
    )
    return (
        Trial(request, open_),
        Trial(sample(m.ConcludeTopUp), World()),
        Trial(sample(m.ConcludeTopUp, reason="card_declined"), World(), "the channel says failed"),
        Trial(request, World(), "no such account"),
        Trial(request, frozen, "the account is frozen"),
        Trial(request, dollars, "the account's currency is another"),
    )


machine = Machine(
    decider=decider,
    title="Top-up",
    label=lambda top_up: Label(top_up.status or "none"),
    trials=trials,
)
