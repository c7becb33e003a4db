"""Messages: wire types that follow from names, ids, streams and timers."""

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from danbao.contracts import accounts, authorization, channel, escrow, risk, settlement
from danbao.contracts.catalogue import COMMANDS, EVENTS
from danbao.contracts.message import Event, Message, Timer, is_id, snake_case, wire_type
from danbao.contracts.rejection import RejectionCode
from danbao.testing.builders import START, fen

ALPHABET = "ABCXYZabcxyz0189._:-"


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("TradeCreated", "trade_created"),
        ("TopUp", "top_up"),
        ("PublishPolicy", "publish_policy"),
        ("SetPayoutBank", "set_payout_bank"),
        ("Order", "order"),
    ],
)
def test_a_name_is_written_in_snake_case(name: str, snake: str) -> None:
    """Readers of the topics need no Python to know how a message is called."""
    assert snake_case(name) == snake


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (escrow.CreateTrade, "escrow.create_trade.v1"),
        (escrow.TradeCreated, "escrow.trade_created.v1"),
        (accounts.TopUp, "accounts.top_up.v1"),
        (accounts.CommandRejected, "accounts.command_rejected.v1"),
        (authorization.AuthorizePayment, "authorization.authorize_payment.v1"),
        (settlement.PolicyPublished, "settlement.policy_published.v1"),
    ],
)
def test_the_wire_type_is_service_name_and_version(message: type[Message], expected: str) -> None:
    """The name of a class is its name on the wire: it may never be renamed."""
    assert wire_type(message) == expected


@pytest.mark.parametrize("text", ["a", "A-1", "x" * 64, "a.b_c:d-e", "0", "-", "192.168.0.1"])
def test_an_id_is_up_to_64_plain_characters(text: str) -> None:
    """Ids go into topics, streams and account codes as they are."""
    assert is_id(text)


@pytest.mark.parametrize(
    "text", ["", "x" * 65, "a b", "a/b", "é", "担", "a\n", "\n", "a\u0000", "a{b}", "\ud800", "a%"]
)
def test_anything_else_is_no_id(text: str) -> None:
    """A slash would make one stream look like another, a newline one id like another."""
    assert not is_id(text)


@settings(deadline=None)
@for_all(st.text(ALPHABET, min_size=1, max_size=64))
def test_every_mixture_of_the_characters_is_an_id(text: str) -> None:
    """Upstream systems keep the ids they have."""
    assert is_id(text)


@pytest.mark.parametrize(
    ("event", "stream"),
    [
        (accounts.AccountFrozen(account_id="A-1", reason=""), "account/A-1"),
        (
            accounts.TopUpSettled(top_up_id="U-1", account_id="A-1", amount=fen(1)),
            "topup/U-1",
        ),
        (
            authorization.PaymentCaptured(
                payment_id="P-1", trade_id="T-1", payer="B-1", amount=fen(1)
            ),
            "payment/P-1",
        ),
        (escrow.TradeFrozen(trade_id="T-1", reason="", frozen_at=START), "trade/T-1"),
        (
            risk.ListEntryAdded(list="block", kind="ip", value="::1", reason=""),
            "list/ip/::1",
        ),
        (
            settlement.PayoutPaid(payout_id="O-1", merchant="S-1", amount=fen(1)),
            "merchant/S-1",
        ),
        (channel.FundsReceived(order_id="top_up:U-1", amount=fen(1)), "order/top_up:U-1"),
        (
            escrow.CommandRejected(
                command_id="c-1", command_type="x", code=RejectionCode.TRADE_UNKNOWN, facts={}
            ),
            "rejection/c-1",
        ),
    ],
)
def test_an_event_knows_its_stream(event: Event, stream: str) -> None:
    """Which events belong together follows from the event alone (contract, owners of streams)."""
    assert event.stream == stream


OWNERS = {
    "account": "accounts",
    "topup": "accounts",
    "payment": "authorization",
    "payer": "risk",
    "list": "risk",
    "trade": "escrow",
    "return": "escrow",
    "merchant": "settlement",
    "order": "channel",
}


def test_every_stream_has_the_owner_of_the_contract() -> None:
    """Nobody but the owner appends to a stream."""
    owners = {
        (event.STREAM.split("/")[0], name.split(".")[0])
        for name, event in EVENTS.items()
        if event.STREAM.split("/")[0] not in {"policy", "rejection"}
    }

    assert owners == set(OWNERS.items())


def test_every_command_names_the_field_that_is_its_key() -> None:
    """The flow of a command is checked against its body."""
    for name, command in COMMANDS.items():
        assert command.KEY in command.__struct_fields__, name


def test_a_timer_is_named_by_its_kind_and_what_tells_it_apart() -> None:
    """Name and generation are a timer's identity: windows of two currencies need two."""
    assert escrow.AutoAgreeRefund(trade_id="T-1", generation=3).name == "auto_agree_refund"
    cut_off = settlement.CutOffWindow(merchant="S-1", currency="CNY", generation=1)
    assert cut_off.name == "cut_off_window:CNY"
    assert isinstance(cut_off, Timer)
