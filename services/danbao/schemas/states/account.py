"""The account, and what to try on it."""

from collections.abc import Sequence

from danbao.accounts.account import Account, decider
from danbao.contracts import accounts as m
from danbao.schemas.sample import sample
from danbao.schemas.states.machine import Label, Machine, Trial, World


def label(account: Account) -> Label:
    """Whether it was opened, and whether it is frozen."""
    if account.fact is None:
        return Label("none")
    return Label("open", ("frozen",) if account.fact.frozen else ())


def trials(_account: Account) -> Sequence[Trial]:
    """Every command about an account."""
    wishes = (
        sample(m.OpenAccount),
        sample(m.FreezeAccount),
        sample(m.UnfreezeAccount),
        sample(m.SetPayoutBank),
    )
    return tuple(Trial(wish, World()) for wish in wishes)


machine = Machine(decider=decider, title="Account", label=label, trials=trials)
