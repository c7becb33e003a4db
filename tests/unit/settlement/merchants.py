"""One merchant: credits, windows and payouts as facts, and the wishes about them."""

from datetime import UTC, datetime

from danbao.contracts import settlement as m
from danbao.contracts.money import Money, fee_half_even
from danbao.settlement.merchant import payout_id, window_id
from danbao.testing.builders import Shared, account, fen

PENDING = "R.MPEND.S-1"
AVAILABLE = "R.MAVL.S-1"
BANK = "R.CB"
WITH_BANK: Shared = account("S-1", kind="merchant", payout_bank="bank_ok_1")
WITHOUT_BANK: Shared = account("S-1", kind="merchant")
MIDNIGHT = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
"""The first midnight in Shanghai after the start."""

CREDIT = m.RecordCredit(trade_id="T-1", merchant="S-1", amount=fen(10_000))
CLOSE = m.CloseWindow(merchant="S-1", currency="CNY")
CUT_OFF = m.CutOffWindow(merchant="S-1", currency="CNY", generation=1)
ASK = m.RequestPayout(merchant="S-1")


def credited(
    trade_id: str = "T-1",
    minor: int = 10_000,
    *,
    number: int = 1,
    fee_bps: int = 60,
    closes_at: datetime | None = MIDNIGHT,
) -> m.CreditRecorded:
    """A released trade in the merchant's nth window."""
    fee = fee_half_even(minor, fee_bps)
    return m.CreditRecorded(
        trade_id=trade_id,
        merchant="S-1",
        gross=fen(minor),
        fee=Money(fee, "CNY"),
        net=Money(minor - fee, "CNY"),
        fee_bps=fee_bps,
        policy_version=0,
        window_id=window_id("S-1", "CNY", number),
        closes_at=closes_at,
    )


def closed(
    gross: int = 10_000,
    fee: int = 60,
    *,
    count: int = 1,
    versions: tuple[int, int] = (1, 1),
    number: int = 1,
) -> m.WindowClosed:
    """The merchant's nth window, complete."""
    return m.WindowClosed(
        window_id=window_id("S-1", "CNY", number),
        merchant="S-1",
        gross=fen(gross),
        fee=Money(fee, "CNY"),
        net=Money(gross - fee, "CNY"),
        count=count,
        first_version=versions[0],
        last_version=versions[1],
    )


def requested(minor: int = 9_940, *, number: int = 1, window: int | None = 1) -> m.PayoutRequested:
    """The merchant's nth payout, of a window or of what is available."""
    return m.PayoutRequested(
        payout_id=payout_id("S-1", number),
        window_id=None if window is None else window_id("S-1", "CNY", window),
        merchant="S-1",
        amount=fen(minor),
        payout_bank="bank_ok_1",
    )


def paid(minor: int = 9_940, *, number: int = 1) -> m.PayoutPaid:
    """The bank has paid it."""
    return m.PayoutPaid(payout_id=payout_id("S-1", number), merchant="S-1", amount=fen(minor))


def failed(minor: int = 9_940, *, number: int = 1) -> m.PayoutFailed:
    """The bank could not pay it."""
    return m.PayoutFailed(
        payout_id=payout_id("S-1", number),
        merchant="S-1",
        amount=fen(minor),
        reason="bank_account_closed",
    )


def conclusion(
    minor: int = 9_940, *, number: int = 1, reason: str | None = None
) -> m.ConcludePayout:
    """The channel's answer about the merchant's nth payout."""
    return m.ConcludePayout(
        payout_id=payout_id("S-1", number), merchant="S-1", amount=fen(minor), reason=reason
    )
