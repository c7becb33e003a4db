"""Every wish in every situation of a trade: what happens, or the one reason why not (contract)."""

from datetime import timedelta

import pytest
from tests.unit.escrow.trades import COMMANDS, SITUATIONS, timers_of, trade

from danbao.contracts import escrow as m
from danbao.contracts.decider import Wish
from danbao.escrow.trade import decider
from danbao.testing.builders import START

LEGEND = {
    "tu": "trade_unknown",
    "te": "trade_exists",
    "tf": "trade_frozen",
    "tc": "trade_closed",
    "ap": "already_paid",
    "ru": "refund_unknown",
    "ws": "wrong_state",
    "ro": "refund_open",
    "el": "extension_limit",
    "--": "nothing",
}

TAKES_EFFECT = {
    "create": "TradeCreated",
    "ship": "TradeShipped",
    "extend": "ReceiptExtended",
    "confirm": "TradeReleased",
    "cancel": "TradeClosed",
    "apply": "RefundApplied",
    "agree": "TradeRefunded",
    "refuse": "RefundRefused",
    "withdraw": "RefundCancelled",
    "freeze": "TradeFrozen",
    "unfreeze": "TradeUnfrozen",
    "pay": "TradeFunded",
    "pay_timeout": "TradeClosed",
    "auto_confirm": "TradeReleased",
    "auto_agree": "TradeRefunded",
}

# Columns in the order of TAKES_EFFECT; the last three are timers that come when they are due.
TABLE = """
unknown           | ok tu tu tu tu tu tu tu tu tu tu tu -- -- --
unpaid            | te ws ws ws ok ws ru ru ru ok ws ok ok -- --
unpaid frozen     | te ws tf tf tf ws ru ru ru ws ok ok -- -- --
paid              | te ok ws ws ws ok ru ru ru ok ws ap -- -- --
paid frozen       | te ok tf tf tf ok ru ru ru ws ok ap -- -- --
paid open         | te ok ws ws ws ro ok ok ok ok ws ap -- -- ok
paid open frozen  | te ok tf tf tf ro tf ok ok ws ok ap -- -- --
paid ended        | te ok ws ws ws ok ws ws ws ok ws ap -- -- --
paid ended frozen | te ok tf tf tf ok tf ws ws ws ok ap -- -- --
sent              | te ws ok ok ws ok ru ru ru ok ws ap -- ok --
sent frozen       | te ws tf tf tf ok ru ru ru ws ok ap -- -- --
sent open         | te ws ok ro ws ro ok ok ok ok ws ap -- -- ok
sent open frozen  | te ws tf tf tf ro tf ok ok ws ok ap -- -- --
sent ended        | te ws ok ok ws ok ws ws ws ok ws ap -- ok --
sent ended frozen | te ws tf tf tf ok tf ws ws ws ok ap -- -- --
extended          | te ws el ok ws ok ru ru ru ok ws ap -- ok --
extended frozen   | te ws tf tf tf ok ru ru ru ws ok ap -- -- --
released          | te ws ws ws ws ws ru ru ru ws ws ap -- -- --
released ended    | te ws ws ws ws ws ws ws ws ws ws ap -- -- --
cancelled         | te ws ws ws ws ws ru ru ru ws ws tc -- -- --
timed out         | te ws ws ws ws ws ru ru ru ws ws tc -- -- --
refunded          | te ws ws ws ws ws ws ws ws ws ws tc -- -- --
"""


def cells() -> list[tuple[str, str, str]]:
    """The table as (situation, wish, what is expected)."""
    rows = [line.split("|") for line in TABLE.strip().splitlines()]
    return [
        (situation.strip(), wish, mark)
        for situation, marks in rows
        for wish, mark in zip(TAKES_EFFECT, marks.split(), strict=True)
    ]


@pytest.mark.parametrize(("situation", "wish", "mark"), cells())
def test_every_wish_in_every_situation_has_the_outcome_of_the_table(
    situation: str, wish: str, mark: str
) -> None:
    """Buyers, sellers and operators can look up beforehand what an answer will be."""
    before = trade(*SITUATIONS[situation]).at(START + timedelta(days=60))
    message: Wish = COMMANDS.get(wish) or timers_of(before.state)[wish]

    answer = before.when(message)

    expected = TAKES_EFFECT[wish] if mark == "ok" else LEGEND[mark]
    if isinstance(message, m.TakePayment) and mark != "ok":
        [returned] = answer.events
        assert isinstance(returned, m.PaymentReturned)
        assert returned.reason == expected
    else:
        assert answer.outcome == expected
    assert answer.so.state == before.state or mark == "ok"


def test_the_table_has_every_situation_and_every_wish() -> None:
    """A wish that is added to the decider must be thought through in every situation."""
    assert {situation for situation, _, _ in cells()} == set(SITUATIONS)
    wishes = {type(wish) for wish in COMMANDS.values()}
    wishes |= {m.TimeOutPayment, m.AutoConfirmReceipt, m.AutoAgreeRefund}
    assert wishes == set(decider.commands)


def test_the_situations_cover_every_status_frozen_or_not() -> None:
    """The five public states of the contract are all in the table."""
    states = {name: trade(*events).state for name, events in SITUATIONS.items()}

    assert {(state.status, state.frozen) for state in states.values()} == {
        ("", False),
        ("WAIT_BUYER_PAY", False),
        ("WAIT_BUYER_PAY", True),
        ("WAIT_SELLER_SEND_GOODS", False),
        ("WAIT_SELLER_SEND_GOODS", True),
        ("WAIT_BUYER_CONFIRM_GOODS", False),
        ("WAIT_BUYER_CONFIRM_GOODS", True),
        ("TRADE_SUCCESS", False),
        ("TRADE_CLOSED", False),
    }
    for name, state in states.items():
        assert state.frozen == name.endswith("frozen")
        assert (state.open_refund is not None) == ("open" in name.split())
