"""What settlement does when escrow and the channel speak."""

import msgspec
import pytest
from tests.unit.settlement.merchants import CREDIT, conclusion, requested

from danbao.contracts import channel, escrow
from danbao.contracts.decider import Recorded
from danbao.contracts.message import Event
from danbao.settlement.service import service
from danbao.testing.builders import START, fen


def ended(
    kind: channel.OrderKind, reason: str | None = None
) -> channel.OrderSucceeded | channel.OrderFailed:
    """An order that the channel has answered."""
    name = requested().payout_id
    done = channel.OrderSucceeded(
        order_id=f"{kind}:{name}", kind=kind, reference=name, account_id="S-1", amount=fen(9_940)
    )
    if reason is None:
        return done
    return channel.OrderFailed(**msgspec.structs.asdict(done), reason=reason)


def react(event: Event) -> object:
    return service.reactions[type(event)](event, Recorded(event, START))


@pytest.mark.parametrize("cause", ["buyer", "timer"])
def test_every_release_is_a_credit_of_its_seller(cause: escrow.ReleaseCause) -> None:
    """Whoever confirmed, the seller is settled."""
    event = escrow.TradeReleased(trade_id="T-1", seller="S-1", amount=fen(10_000), cause=cause)

    assert react(event) == [CREDIT]


@pytest.mark.parametrize("reason", [None, "bank_account_closed"])
def test_the_bank_s_answer_concludes_the_payout(reason: str | None) -> None:
    """Paid or failed, the payout does not stay on its way."""
    assert react(ended("payout", reason)) == [conclusion(reason=reason)]


@pytest.mark.parametrize("reason", [None, "card_declined"])
def test_top_ups_are_left_to_accounts(reason: str | None) -> None:
    """A top-up that bears the id of a payout does not conclude it."""
    assert react(ended("top_up", reason)) == []


def test_settlement_listens_to_escrow_and_the_channel_only() -> None:
    """What a service depends on is visible in one place."""
    assert service.sources == ("channel", "escrow")
