"""A slice of the log is decoded once and folded for several read models."""

from datetime import UTC, datetime

import msgspec

from danbao.contracts import escrow, settlement
from danbao.contracts.message import Event, wire_type
from danbao.kernel.projecting import Projection, statement
from danbao.readmodels import account_balances, merchant_statement, settlement_windows, trades
from danbao.schemas.sample import sample

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
POSTINGS = '[{"debit":"R.CB","credit":"R.CUST.B-1.AVAILABLE","minor":5,"currency":"CNY"}]'
Row = tuple[int, datetime, str, str, str | None]


def row(position: int, event: Event, postings: str | None = None) -> Row:
    return position, AT, wire_type(type(event)), msgspec.json.encode(event).decode(), postings


def test_each_model_gets_the_events_that_it_asks_for() -> None:
    """Two models of one event both have it, and nobody has another's."""
    projection = Projection((merchant_statement.MODEL, settlement_windows.MODEL, trades.MODEL))
    credit, created = sample(settlement.CreditRecorded), sample(escrow.TradeCreated)
    stated, windows, found = projection.fold([row(1, credit), row(2, created), row(3, credit)])
    [merchant] = stated.values()
    [window] = windows.values()
    assert merchant.adds["count"] == window.adds["count"] == 2
    assert list(found) == [(created.trade_id,)]


def test_an_event_that_no_model_asks_for_is_not_decoded() -> None:
    """A type of a later version does not stop the read models that have no use for it."""
    projection = Projection((account_balances.MODEL, trades.MODEL))
    balances, found = projection.fold([(1, AT, "escrow.from_the_future.v9", "{", POSTINGS)])
    assert {key: change.adds["balance_minor"] for key, change in balances.items()} == {
        ("R.CB", "CNY"): 5,
        ("R.CUST.B-1.AVAILABLE", "CNY"): 5,
    }
    assert found == {}


def test_only_what_some_model_asks_for_is_read() -> None:
    """Whoever looks at trades alone does not fetch postings."""
    assert Projection((trades.MODEL,)).reads_postings is False
    assert Projection((trades.MODEL, account_balances.MODEL)).reads_postings is True
    credits_only = Projection((merchant_statement.MODEL,))
    assert credits_only.types == [wire_type(settlement.CreditRecorded)]


def test_a_query_is_about_the_table_of_its_build() -> None:
    """No build writes into the table of another."""
    text = statement(trades.MODEL, "write", "danbao_models.trades_v1_b2")
    assert "INSERT INTO danbao_models.trades_v1_b2 AS t" in text
    assert "danbao_read" not in text
