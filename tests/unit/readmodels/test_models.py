"""What each read model makes of an event: event -> change."""

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from danbao.contracts import escrow, settlement
from danbao.contracts.catalogue import EVENTS
from danbao.contracts.message import Event
from danbao.ledger.posting import Posting
from danbao.readmodels import account_balances, merchant_statement, settlement_windows, trades
from danbao.readmodels.model import Change, Entry, ReadModel
from danbao.readmodels.models import READ_MODELS
from danbao.schemas.sample import sample

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
MODELS = [pytest.param(model, id=f"{model.name}_v{model.version}") for model in READ_MODELS]


def changes(model: ReadModel, event: Event) -> list[Change]:
    return list(model.project(Entry(7, AT, event)))


def test_a_created_trade_waits_for_its_payment() -> None:
    """Support sees a trade as soon as it exists."""
    event = sample(escrow.TradeCreated)
    [change] = changes(trades.MODEL, event)
    assert change.key == (event.trade_id,)
    assert change.sets["state"] == "WAIT_BUYER_PAY"
    assert change.sets["created_at"] == change.sets["updated_at"] == AT
    assert change.adds == {}


def test_a_funded_trade_counts_what_was_paid() -> None:
    """What is held follows from what was paid."""
    event = sample(escrow.TradeFunded)
    [change] = changes(trades.MODEL, event)
    assert change.sets["state"] == "WAIT_SELLER_SEND_GOODS"
    assert change.adds == {"paid_minor": event.amount.minor}


def test_a_credit_adds_to_statement_and_window() -> None:
    """A merchant's sums are those of the credits, in both models."""
    event = sample(settlement.CreditRecorded)
    adds = {
        "gross_minor": event.gross.minor,
        "fee_minor": event.fee.minor,
        "net_minor": event.net.minor,
        "count": 1,
    }
    [stated] = changes(merchant_statement.MODEL, event)
    [window] = changes(settlement_windows.MODEL, event)
    assert (stated.key, stated.adds) == ((event.merchant, event.gross.currency), adds)
    assert (window.key, window.adds) == ((event.window_id,), adds)
    assert window.sets["state"] == "open"


def test_a_posting_moves_both_accounts_on_their_normal_sides() -> None:
    """The trial balance needs no knowledge of events: postings are enough."""
    posting = Posting("R.CB", "R.CUST.B-1.AVAILABLE", 500, "CNY")
    found = account_balances.MODEL.project(Entry(7, AT, postings=(posting,)))
    assert {(change.key, change.adds["balance_minor"]) for change in found} == {
        (("R.CB", "CNY"), 500),
        (("R.CUST.B-1.AVAILABLE", "CNY"), 500),
    }


@pytest.mark.parametrize("model", MODELS)
def test_a_model_asks_for_every_type_that_it_projects(model: ReadModel) -> None:
    """A type that it does not ask for is not even read: what it says of one would be lost."""
    says = {event for event in EVENTS.values() if changes(model, sample(event))}
    assert says <= set(model.events)


@pytest.mark.parametrize("model", MODELS)
def test_a_change_names_columns_that_the_model_has(model: ReadModel) -> None:
    """A column that is not declared would never be written."""
    posting = Posting("R.CB", "R.CUST.B-1.AVAILABLE", 500, "CNY")
    entries: Iterable[Entry] = [
        *(Entry(7, AT, sample(event)) for event in model.events),
        *([Entry(7, AT, postings=(posting,))] if model.postings else []),
    ]
    found = [change for entry in entries for change in model.project(entry)]
    assert found
    for change in found:
        assert len(change.key) == len(model.key)
        assert change.sets.keys() <= set(model.sets)
        assert change.adds.keys() <= set(model.adds)
