"""The story of a trade."""

from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from danbao.cli.format import PAGE_CELLS
from danbao.cli.trade_story import Cause, Happened, Story
from danbao.cli.trade_tables import story_json, story_tables
from danbao.kernel.messages import LogRow

AT = datetime(2026, 11, 23, 23, 20, 48, tzinfo=UTC)
TRADE: dict[str, Any] = {
    "trade_id": "T-1",
    "state": "WAIT_SELLER_SEND_GOODS",
    "buyer": "B-7",
    "seller": "M-1",
    "currency": "CNY",
    "amount_minor": 1_000,
    "paid_minor": 1_000,
    "held_minor": 700,
    "released_minor": 0,
    "refunded_minor": 300,
    "frozen": True,
    "open_refund": "",
    "payment_id": "P-1",
    "ended_by": None,
    "title": "[red]tea\x1b[2J",
    "created_at": AT,
    "updated_at": AT,
}


def happened(
    position: int, type_: str, cause: Cause | None, data: dict[str, Any], *, minor: int = 0
) -> Happened:
    ids = ("e", "c", "r")
    postings = [
        {"debit": "R.CUST.B-7", "credit": "R.ESCROW.T-1", "minor": minor, "currency": "CNY"}
    ]
    stream = "rejection/c" if "rejected" in type_ else "trade/T-1"
    row = LogRow(0, position, stream, 1, type_, 1, "T-1", *ids, None, None, AT, "{}", None)
    return Happened(row, cause, data, postings if minor else [])


def story(trade: dict[str, Any] | None = TRADE) -> Story:
    create = Cause("escrow.create_trade.v1", "buyer:B-7")
    refusal = {
        "command_id": "c",
        "command_type": "escrow.ship_trade.v1",
        "code": "wrong_state",
        "facts": {"state": "WAIT_BUYER_PAY"},
    }
    events = [
        happened(1, "escrow.trade_created.v1", create, {"trade_id": "T-1"}),
        happened(2, "escrow.command_rejected.v1", Cause("escrow.ship_trade.v1"), refusal),
        happened(
            3,
            "authorization.payment_captured.v1",
            Cause("risk.payment_assessed.v1", position=1),
            {},
            minor=1_000,
        ),
    ]
    timers = [{"type": "escrow.time_out_payment.v1", "due_at": AT}]
    return Story("T-1", trade, False, events, [], timers, {})


def shown(found: Story) -> str:
    console = Console(width=PAGE_CELLS, markup=False)
    with console.capture() as capture:
        for table in story_tables(found):
            console.print(table)
    return capture.get()


def test_a_trade_is_told_from_state_to_refusals() -> None:
    """Support answers "where is my money" from this one page."""
    text = shown(story())

    for expected in (
        "WAIT_SELLER_SEND_GOODS, frozen",
        "7.00 CNY",
        "escrow.create_trade by buyer:B-7",
        "event 1",
        "R.ESCROW.T-1",
        "escrow.time_out_payment",
        "wrong_state",
    ):
        assert expected in text


def test_a_title_is_shown_as_it_was_written() -> None:
    """It is somebody else's text: neither markup nor terminal code."""
    assert "[red]tea\\x1b[2J" in shown(story())


def test_a_trade_newer_than_the_read_models_is_still_told() -> None:
    """The log is ahead of the read models for a moment; the story says so instead of failing."""
    assert "has not come to this trade yet" in shown(story(None))
    assert story_json(story(None))["trade"] is None


def test_a_program_gets_times_causes_and_postings() -> None:
    """The same story as data."""
    told = story_json(story())

    assert told["trade"]["created_at"] == "2026-11-23T23:20:48.000000Z"
    assert told["events"][2]["cause"] == {
        "type": "risk.payment_assessed.v1",
        "actor": None,
        "position": 1,
    }
    assert told["events"][2]["postings"][0]["minor"] == 1_000
    assert told["refusals"][0]["code"] == "wrong_state"


def test_a_flow_of_refusals_is_no_trade() -> None:
    """A ship command for a trade that never was leaves events in the flow, but no trade."""
    known = story()
    refused = Story("T-1", None, False, known.refusals, [], [], {})

    assert known.is_known
    assert not refused.is_known
