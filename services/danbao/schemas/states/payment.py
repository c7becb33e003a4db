"""The payment, and what to try on it."""

from collections.abc import Sequence

from danbao.authorization.payment import Payment, decider
from danbao.contracts import authorization as m
from danbao.contracts.chart import wallet
from danbao.contracts.facts import AccountFact, account_key
from danbao.schemas.sample import BUYER, PRICE_MINOR, sample
from danbao.schemas.states.machine import Label, Machine, Trial, World

_WALLET = {(wallet(BUYER), "CNY"): PRICE_MINOR}


def _world(account: AccountFact | None, minor: int = PRICE_MINOR) -> World:
    return World({account_key(BUYER): account}, {(wallet(BUYER), "CNY"): minor})


def trials(_payment: Payment) -> Sequence[Trial]:
    """Take the payment in, and conclude it in every way."""
    account = AccountFact(kind="personal", currency="CNY")
    frozen = AccountFact(kind="personal", currency="CNY", frozen=True)
    dollars = AccountFact(kind="personal", currency="USD")
    conclude = sample(m.ConcludePayment)
    declined = sample(m.ConcludePayment, decision="decline")
    return (
        Trial(sample(m.AuthorizePayment), _world(account)),
        Trial(conclude, _world(account)),
        Trial(declined, _world(account), "risk says decline"),
        Trial(conclude, _world(None), "the payer has no account"),
        Trial(conclude, _world(frozen), "the payer's account is frozen"),
        Trial(conclude, _world(dollars), "the payer's currency is another"),
        Trial(conclude, _world(account, PRICE_MINOR - 1), "the wallet holds less"),
    )


machine = Machine(
    decider=decider,
    title="Payment",
    label=lambda payment: Label(payment.status or "none"),
    trials=trials,
)
