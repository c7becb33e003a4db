"""Posting rules: which money each event moves, and that no other event moves any."""

import pytest
from msgspec.structs import replace

from danbao.contracts import accounts, authorization, channel, escrow, risk, settlement
from danbao.contracts.catalogue import EVENTS
from danbao.contracts.message import Event
from danbao.contracts.money import Money
from danbao.contracts.rejection import ReturnReason
from danbao.ledger.posting import Posting
from danbao.ledger.rules import RULES, postings_of
from danbao.testing.builders import START, cents, fen

CLOSED = settlement.WindowClosed(
    window_id="W-1",
    merchant="S-1",
    gross=fen(10_000),
    fee=fen(60),
    net=fen(9_940),
    count=1,
    first_version=1,
    last_version=1,
)
# Domain 3.3, in the words of the contract; book R unless a row says O.
TABLE: list[tuple[Event, list[tuple[str, str, int]]]] = [
    (
        accounts.TopUpSettled(top_up_id="U-1", account_id="B-1", amount=fen(10_000)),
        [("R.CHRECV", "R.CUST.B-1.AVAILABLE", 10_000)],
    ),
    (
        channel.FundsReceived(order_id="top_up:U-1", amount=fen(10_000)),
        [("R.CB", "R.CHRECV", 10_000)],
    ),
    (
        authorization.PaymentCaptured(
            payment_id="P-1", trade_id="T-1", payer="B-1", amount=fen(10_000)
        ),
        [("R.CUST.B-1.AVAILABLE", "R.ESCROW.T-1", 10_000)],
    ),
    (
        escrow.PaymentReturned(
            payment_id="P-1",
            trade_id="T-1",
            payer="B-1",
            amount=fen(10_000),
            reason=ReturnReason.ALREADY_PAID,
        ),
        [("R.ESCROW.T-1", "R.CUST.B-1.AVAILABLE", 10_000)],
    ),
    (
        escrow.TradeReleased(trade_id="T-1", seller="S-1", amount=fen(7_500), cause="buyer"),
        [("R.ESCROW.T-1", "R.MPEND.S-1", 7_500)],
    ),
    (
        escrow.TradeRefunded(
            trade_id="T-1",
            refund_id="R-1",
            buyer="B-1",
            amount=fen(2_500),
            refunded_total=fen(5_000),
            auto_confirm_at=None,
        ),
        [("R.ESCROW.T-1", "R.CUST.B-1.AVAILABLE", 2_500)],
    ),
    (
        CLOSED,
        [
            ("R.MPEND.S-1", "R.MAVL.S-1", 9_940),
            ("R.MPEND.S-1", "R.DUE_TO_O", 60),
            ("O.DUE_FROM_R", "O.INC.FEE", 60),
        ],
    ),
    (
        replace(CLOSED, fee=Money(0, "CNY"), net=fen(10_000)),
        [("R.MPEND.S-1", "R.MAVL.S-1", 10_000)],
    ),
    (
        settlement.PayoutRequested(
            payout_id="O-1",
            window_id=None,
            merchant="S-1",
            amount=fen(9_940),
            payout_bank="bank_ok_1",
        ),
        [("R.MAVL.S-1", "R.PAYOUT", 9_940)],
    ),
    (
        settlement.PayoutPaid(payout_id="O-1", merchant="S-1", amount=fen(9_940)),
        [("R.PAYOUT", "R.CB", 9_940)],
    ),
    (
        settlement.PayoutFailed(
            payout_id="O-1", merchant="S-1", amount=fen(9_940), reason="bank_account_closed"
        ),
        [("R.PAYOUT", "R.MAVL.S-1", 9_940)],
    ),
]


@pytest.mark.parametrize(("event", "expected"), TABLE)
def test_an_event_moves_the_money_of_its_row(
    event: Event, expected: list[tuple[str, str, int]]
) -> None:
    """An accountant can check every entry against the table of the domain."""
    assert list(postings_of(event)) == [Posting(*row, "CNY") for row in expected]


def test_every_rule_is_in_the_table_and_no_other_event_moves_money() -> None:
    """An event that is added moves nothing until somebody wrote down what."""
    assert {type(event) for event, _ in TABLE} == set(RULES)
    assert set(RULES) < set(EVENTS.values())


@pytest.mark.parametrize(
    "event",
    [
        accounts.AccountFrozen(account_id="B-1", reason=""),
        accounts.TopUpRequested(
            top_up_id="U-1", account_id="B-1", amount=fen(1), bank_card="card_ok"
        ),
        escrow.TradeFunded(trade_id="T-1", payment_id="P-1", payer="B-1", amount=fen(1)),
        escrow.TradeClosed(trade_id="T-1", reason="refunded", refunded_total=fen(1)),
        escrow.TradeFrozen(trade_id="T-1", reason="", frozen_at=START),
        risk.ListEntryAdded(list="block", kind="account", value="B-1", reason=""),
        channel.OrderSucceeded(
            order_id="payout:O-1",
            kind="payout",
            reference="O-1",
            account_id="S-1",
            amount=fen(1),
        ),
    ],
)
def test_an_event_without_a_rule_moves_nothing(event: Event) -> None:
    """Money that was captured moved then; funding a trade with it must not move it again."""
    assert postings_of(event) == ()


def test_postings_are_in_the_currency_of_the_event() -> None:
    """Cents stay cents."""
    event = accounts.TopUpSettled(top_up_id="U-1", account_id="B-1", amount=cents(5))

    assert [posting.currency for posting in postings_of(event)] == ["USD"]


def test_the_worked_check_of_the_domain_comes_out_even() -> None:
    """Domain 3.3: 100.00 in, 99.40 out, 0.60 earned; nothing else is left anywhere."""
    day = [
        accounts.TopUpSettled(top_up_id="U-1", account_id="B-1", amount=fen(10_000)),
        channel.FundsReceived(order_id="top_up:U-1", amount=fen(10_000)),
        authorization.PaymentCaptured(
            payment_id="P-1", trade_id="T-1", payer="B-1", amount=fen(10_000)
        ),
        escrow.TradeReleased(trade_id="T-1", seller="S-1", amount=fen(10_000), cause="timer"),
        CLOSED,
        settlement.PayoutRequested(
            payout_id="O-1",
            window_id="W-1",
            merchant="S-1",
            amount=fen(9_940),
            payout_bank="bank_ok_1",
        ),
        settlement.PayoutPaid(payout_id="O-1", merchant="S-1", amount=fen(9_940)),
    ]
    net: dict[str, int] = {}
    for event in day:
        for posting in postings_of(event):
            net[posting.debit] = net.get(posting.debit, 0) + posting.minor
            net[posting.credit] = net.get(posting.credit, 0) - posting.minor

    assert {account: minor for account, minor in net.items() if minor} == {
        "R.CB": 60,
        "R.DUE_TO_O": -60,
        "O.DUE_FROM_R": 60,
        "O.INC.FEE": -60,
    }
