"""The merchant's windows and payouts, and what to try on them."""

from collections.abc import Sequence

from danbao.contracts import settlement as m
from danbao.contracts.chart import RESERVE_BANK, merchant_available, merchant_pending
from danbao.contracts.facts import AccountFact, account_key
from danbao.schemas.sample import PRICE_MINOR, SELLER, sample, yuan
from danbao.schemas.states.machine import Label, Machine, Trial, World
from danbao.settlement.merchant import decider
from danbao.settlement.state import Merchant

_BANK = AccountFact(kind="merchant", currency="CNY", payout_bank="bank_ok_0022")
_NO_BANK = AccountFact(kind="merchant", currency="CNY")


def _world(account: AccountFact | None = _BANK, minor: int = PRICE_MINOR) -> World:
    """The merchant's account, and `minor` in each guarded balance."""
    accounts = (merchant_pending(SELLER), merchant_available(SELLER), RESERVE_BANK)
    return World({account_key(SELLER): account}, {(name, "CNY"): minor for name in accounts})


def label(merchant: Merchant) -> Label:
    """Whether the window of the currency has credits, and whether a payout is on its way."""
    is_filled = merchant.window("CNY").count > 0
    on_its_way = ("payout on its way",) if merchant.open_payouts else ()
    return Label("window with credits" if is_filled else "window empty", on_its_way)


def detail(merchant: Merchant) -> object:
    """Whether the merchant ever had a credit."""
    return bool(merchant.windows)


def trials(merchant: Merchant) -> Sequence[Trial]:
    """Credit, close, pay out, and what the bank may answer."""
    payout_id = next(iter(merchant.open_payouts), "payout-404")
    close, request = sample(m.CloseWindow), sample(m.RequestPayout, amount=None)
    paid = sample(m.ConcludePayout, payout_id=payout_id, amount=yuan(PRICE_MINOR))
    failed = sample(
        m.ConcludePayout, payout_id=payout_id, amount=yuan(1), reason="bank_account_closed"
    )
    too_much = sample(m.RequestPayout, amount=yuan(PRICE_MINOR + 1))
    dollars = sample(m.RequestPayout, amount={"minor": 1, "currency": "USD"})
    return (
        Trial(sample(m.RecordCredit), _world()),
        Trial(close, _world()),
        Trial(request, _world()),
        Trial(paid, _world()),
        Trial(close, _world(_NO_BANK), "the merchant has no payout bank"),
        Trial(sample(m.CloseWindow, currency="USD"), _world(), "the currency is another"),
        Trial(request, _world(_NO_BANK), "the merchant has no payout bank"),
        Trial(request, _world(None), "no such account"),
        Trial(request, _world(minor=0), "nothing is available"),
        Trial(too_much, _world(), "the amount is more than what is available"),
        Trial(dollars, _world(), "the currency is another"),
        Trial(failed, _world(), "the bank refuses"),
        Trial(paid, _world(minor=0), "the money has not arrived at our bank"),
    )


machine = Machine(
    decider=decider,
    title="Merchant",
    label=label,
    detail=detail,
    trials=trials,
    world=_world(),
    stale_timers=(m.CutOffWindow(merchant=SELLER, currency="CNY", generation=1),),
)
