"""Merchant: credits are counted into a window; a closed window is paid out, less its fee.

Which window a credit belongs to is decided by its place in this stream, never by a clock at the
close, so a window closes without stopping clearing and a replay gives the same windows.
"""

from datetime import datetime, timedelta
from typing import TypeAlias, assert_never
from uuid import NAMESPACE_OID
from zoneinfo import ZoneInfo

from danbao.contracts import settlement as m
from danbao.contracts.actor import refuse_actor
from danbao.contracts.chart import RESERVE_BANK, merchant_available, merchant_pending
from danbao.contracts.decider import NOTHING, Decider, Decision, Needs, Wish
from danbao.contracts.facts import Facts, account_key, policy_key
from danbao.contracts.ids import derived_id
from danbao.contracts.message import Event
from danbao.contracts.money import Money, fee_half_even
from danbao.contracts.policy import SettlementCutOff, SettlementFee
from danbao.contracts.rejection import Postponed, Rejected, RejectionCode
from danbao.settlement.state import Merchant, evolve, timers

Code = RejectionCode
FEE = "settlement.fee"
CUT_OFF = "settlement.cut_off"
POLICIES = Needs(facts=(policy_key(FEE), policy_key(CUT_OFF)))

MerchantWish: TypeAlias = (
    m.CloseWindow | m.CutOffWindow | m.RequestPayout | m.RecordCredit | m.ConcludePayout
)


def decide(wish: MerchantWish, merchant: Merchant, facts: Facts) -> Decision:
    """Answer with the facts the wish causes, or with the one reason it is refused."""
    match wish:
        case m.RecordCredit():
            return [_credit(wish, merchant, facts)]
        case m.CloseWindow():
            if refused := refuse_actor(facts.actor, "operator"):
                return refused
            if not merchant.window(wish.currency).count:
                return Rejected(Code.WINDOW_EMPTY, {"currency": wish.currency})
            return _close(wish.merchant, wish.currency, merchant, facts)
        case m.CutOffWindow():
            window = merchant.window(wish.currency)
            is_due = window.closes_at is not None and facts.now >= window.closes_at
            if not is_due or window.number != wish.generation:
                return []
            return _close(wish.merchant, wish.currency, merchant, facts)
        case m.RequestPayout():
            return _request_payout(wish, merchant, facts)
        case m.ConcludePayout():
            return _conclude_payout(wish, merchant, facts)
        case _:
            assert_never(wish)


def needs(wish: Wish, merchant: Merchant) -> Needs:
    """Closing and paying out may debit the merchant's accounts, a paid payout the bank's."""
    match wish:
        case m.RecordCredit():
            return POLICIES
        case m.CloseWindow() | m.CutOffWindow():
            pending = (merchant_pending(wish.merchant), wish.currency)
            available = (merchant_available(wish.merchant), wish.currency)
            return Needs(facts=(account_key(wish.merchant),), debits=(pending, available))
        case m.RequestPayout():
            account = merchant_available(wish.merchant)
            debits = tuple((account, currency) for currency in merchant.currencies)
            return Needs(facts=(account_key(wish.merchant),), debits=debits)
        case m.ConcludePayout():
            return Needs(debits=((RESERVE_BANK, wish.amount.currency),))
        case _:
            return NOTHING


def _credit(wish: m.RecordCredit, merchant: Merchant, facts: Facts) -> m.CreditRecorded:
    """Count a released trade into the open window; its fee is fixed here."""
    version, policy = facts.policy(FEE, SettlementFee)
    currency = wish.amount.currency
    fee = fee_half_even(wish.amount.minor, policy.fee_bps)
    window = merchant.window(currency)
    _, cut_off = facts.policy(CUT_OFF, SettlementCutOff)
    return m.CreditRecorded(
        trade_id=wish.trade_id,
        merchant=wish.merchant,
        gross=wish.amount,
        fee=Money(fee, currency),
        net=Money(wish.amount.minor - fee, currency),
        fee_bps=policy.fee_bps,
        policy_version=version,
        window_id=window_id(wish.merchant, currency, window.number),
        closes_at=window.closes_at if window.count else next_cut_off(facts.now, cut_off),
    )


def _close(name: str, currency: str, merchant: Merchant, facts: Facts) -> list[Event]:
    """Close the open window; a merchant with a bank is paid the window's own net."""
    window = merchant.window(currency)
    net = window.gross - window.fee
    closed = m.WindowClosed(
        window_id=window_id(name, currency, window.number),
        merchant=name,
        gross=Money(window.gross, currency),
        fee=Money(window.fee, currency),
        net=Money(net, currency),
        count=window.count,
        first_version=window.first_version,
        last_version=window.last_version,
    )
    account = facts.account(name)
    if account is None or account.payout_bank is None or net == 0:
        return [closed]
    payout = m.PayoutRequested(
        payout_id=payout_id(name, merchant.payouts + 1),
        window_id=closed.window_id,
        merchant=name,
        amount=closed.net,
        payout_bank=account.payout_bank,
    )
    return [closed, payout]


def _request_payout(command: m.RequestPayout, merchant: Merchant, facts: Facts) -> Decision:
    account = facts.account(command.merchant)
    if account is None:
        return Rejected(Code.ACCOUNT_UNKNOWN, {"account_id": command.merchant})
    if account.payout_bank is None:
        return Rejected(Code.PAYOUT_BANK_MISSING, {"account_id": command.merchant})
    currency = account.currency
    available = 0
    if currency in merchant.currencies:
        available = facts.balance(merchant_available(command.merchant), currency)
    amount = command.amount or Money(available, currency)
    if amount.currency != currency or not 0 < amount.minor <= available:
        return Rejected(
            Code.INSUFFICIENT_FUNDS, {"available_minor": available, "currency": currency}
        )
    payout = m.PayoutRequested(
        payout_id=payout_id(command.merchant, merchant.payouts + 1),
        window_id=None,
        merchant=command.merchant,
        amount=amount,
        payout_bank=account.payout_bank,
    )
    return [payout]


def _conclude_payout(wish: m.ConcludePayout, merchant: Merchant, facts: Facts) -> Decision:
    """Record what the bank did; its own account is debited only when the money has arrived there.

    Payouts come out of money that top-ups brought; the channel's note of a receipt may still be
    on its way, so a payout that overtakes it waits for it.
    """
    if wish.payout_id not in merchant.open_payouts:
        return []
    payout_id_, name, amount = wish.payout_id, wish.merchant, wish.amount
    if wish.reason is not None:
        failed = m.PayoutFailed(
            payout_id=payout_id_, merchant=name, amount=amount, reason=wish.reason
        )
        return [failed]
    if facts.balance(RESERVE_BANK, amount.currency) < amount.minor:
        return Postponed("the receipt of the money at the bank is not recorded yet")
    return [m.PayoutPaid(payout_id=payout_id_, merchant=name, amount=amount)]


def next_cut_off(now: datetime, policy: SettlementCutOff) -> datetime | None:
    """The first cut-off after `now`; None when windows close by command only."""
    if not policy.enabled:
        return None
    hour, minute = map(int, policy.time.split(":"))
    local = now.astimezone(ZoneInfo(policy.time_zone))
    cut_off = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if cut_off <= local:
        cut_off += timedelta(days=1)
    return cut_off.astimezone(now.tzinfo)


def window_id(merchant: str, currency: str, number: int) -> str:
    """Name of the merchant's nth window of a currency."""
    return derived_id(NAMESPACE_OID.bytes, f"window/{merchant}/{currency}/{number}")


def payout_id(merchant: str, number: int) -> str:
    """Name of the merchant's nth payout."""
    return derived_id(NAMESPACE_OID.bytes, f"payout/{merchant}/{number}")


decider = Decider(
    category="merchant",
    initial=Merchant(),
    decide=decide,
    evolve=evolve,
    needs=needs,
    timers=timers,
    stream_of=lambda wish: f"merchant/{wish.merchant}",
    commands=(m.CloseWindow, m.CutOffWindow, m.RequestPayout, m.RecordCredit, m.ConcludePayout),
    events=(
        m.CreditRecorded,
        m.WindowClosed,
        m.PayoutRequested,
        m.PayoutPaid,
        m.PayoutFailed,
    ),
)
