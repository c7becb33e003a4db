"""What accounts does when the channel speaks."""

import msgspec
import pytest

from danbao.accounts.service import service
from danbao.contracts import accounts, channel
from danbao.contracts.decider import Recorded
from danbao.testing.builders import START, fen


def ended(
    kind: channel.OrderKind, reason: str | None = None
) -> channel.OrderSucceeded | channel.OrderFailed:
    """An order that the channel has answered."""
    done = channel.OrderSucceeded(
        order_id=f"{kind}:U-1", kind=kind, reference="U-1", account_id="A-1", amount=fen(10_000)
    )
    if reason is None:
        return done
    return channel.OrderFailed(**msgspec.structs.asdict(done), reason=reason)


def react(event: channel.OrderSucceeded | channel.OrderFailed) -> object:
    return service.reactions[type(event)](event, Recorded(event, START))


def test_a_collected_top_up_is_concluded() -> None:
    """The channel's word reaches the top-up that waits for it."""
    event = ended("top_up")

    assert react(event) == [accounts.ConcludeTopUp(top_up_id="U-1")]


def test_a_failed_top_up_is_concluded_with_its_reason() -> None:
    """The customer learns why."""
    event = ended("top_up", "card_declined")

    assert react(event) == [accounts.ConcludeTopUp(top_up_id="U-1", reason="card_declined")]


@pytest.mark.parametrize("reason", [None, "bank_account_closed"])
def test_payouts_are_left_to_settlement(reason: str | None) -> None:
    """A payout that bears the id of a top-up does not credit a wallet."""
    assert react(ended("payout", reason)) == []


def test_accounts_listens_to_the_channel_only() -> None:
    """What a service depends on is visible in one place."""
    assert service.sources == ("channel",)
