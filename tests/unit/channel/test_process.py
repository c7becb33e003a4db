"""What the channel does when accounts and settlement speak."""

from danbao.channel.service import service
from danbao.contracts import accounts, channel, settlement
from danbao.contracts.decider import Recorded
from danbao.contracts.message import Event
from danbao.testing.builders import START, fen


def react(event: Event) -> object:
    return service.reactions[type(event)](event, Recorded(event, START))


def test_a_requested_top_up_is_collected_from_its_card() -> None:
    """The money comes from the card that the customer named."""
    event = accounts.TopUpRequested(
        top_up_id="U-1", account_id="A-1", amount=fen(10_000), bank_card="card_ok_1"
    )

    assert react(event) == [
        channel.SubmitOrder(
            kind="top_up",
            reference="U-1",
            account_id="A-1",
            amount=fen(10_000),
            token="card_ok_1",
        )
    ]


def test_a_settled_top_up_brings_its_money_to_the_bank() -> None:
    """The reserve is covered: each credited fen arrives at the bank."""
    event = accounts.TopUpSettled(top_up_id="U-1", account_id="A-1", amount=fen(10_000))

    assert react(event) == [channel.RecordReceipt(reference="U-1")]


def test_a_requested_payout_is_paid_to_its_bank() -> None:
    """The bank is the one that the payout was requested with, not the newest."""
    event = settlement.PayoutRequested(
        payout_id="O-1",
        window_id=None,
        merchant="S-1",
        amount=fen(9_940),
        payout_bank="bank_ok_1",
    )

    assert react(event) == [
        channel.SubmitOrder(
            kind="payout",
            reference="O-1",
            account_id="S-1",
            amount=fen(9_940),
            token="bank_ok_1",
        )
    ]


def test_the_channel_listens_to_accounts_and_settlement_only() -> None:
    """What a service depends on is visible in one place."""
    assert service.sources == ("accounts", "settlement")
