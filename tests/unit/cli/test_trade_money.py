"""Where the money of a trade is in the end."""

from typing import Any

import pytest

from danbao.cli.trade_details import details_text
from danbao.cli.trade_money import outcome_text, outcomes
from danbao.cli.trade_story import Happened, Story
from danbao.kernel.messages import LogRow
from danbao.testing.builders import START


def event(type_: str, **data: Any) -> Happened:  # noqa: ANN401
    ids = ("e", "c", "r")
    row = LogRow(0, 1, "trade/T", 1, type_, 1, "T", *ids, None, None, START, "{}", None)
    return Happened(row, None, data, [])


def cny(minor: int) -> dict[str, object]:
    return {"minor": minor, "currency": "CNY"}


RELEASE = event("escrow.trade_released.v1", amount=cny(7_000))
REFUND = event("escrow.trade_refunded.v1", amount=cny(3_000))


@pytest.mark.parametrize(
    ("events", "status", "code", "text"),
    [
        ([], "requested", None, "requested, on its way"),
        ([], "captured", None, "captured, on its way"),
        ([], "declined", "risk_declined", "declined: risk_declined"),
        ([], "returned", "already_paid", "returned to the payer: already_paid"),
        ([], "funded", None, "100.00 held for the trade"),
        ([REFUND], "funded", None, "70.00 held for the trade, 30.00 refunded to the payer"),
        (
            [REFUND, RELEASE],
            "funded",
            None,
            "70.00 released to the seller, 30.00 refunded to the payer",
        ),
    ],
)
def test_a_payment_says_where_its_money_is(
    events: list[Happened], status: str, code: str | None, text: str
) -> None:
    """Support answers "where is my money" without adding anything up."""
    payment = {"amount_minor": 10_000, "currency": "CNY", "status": status, "code": code}

    [outcome] = outcomes(Story("T", None, False, events, [payment], [], {}))

    assert outcome_text(outcome) == text


def test_a_payment_that_came_back_has_no_share_in_what_the_trade_paid_out() -> None:
    """Only the payment that funded the trade was released."""
    payment = {"amount_minor": 10_000, "currency": "CNY", "status": "returned", "code": "x"}

    [outcome] = outcomes(Story("T", None, False, [RELEASE], [payment], [], {}))

    assert (outcome["held_minor"], outcome["released_minor"]) == (0, 0)


def test_an_event_tells_what_matters_in_it() -> None:
    """Amounts, reasons and deadlines, and nothing that stands elsewhere."""
    shipped = {"trade_id": "T", "carrier": "SF", "auto_confirm_at": "2026-12-04T03:47:02.409707Z"}

    assert details_text("escrow.trade_refunded.v1", {"refund_id": "R", "amount": cny(3_000)}) == (
        "R, 30.00 CNY"
    )
    assert details_text("escrow.trade_shipped.v1", shipped) == (
        "SF, confirmed by itself at 2026-12-04 03:47:02"
    )
    assert details_text("escrow.trade_created.v1", {"title": "tea"}) == ""
