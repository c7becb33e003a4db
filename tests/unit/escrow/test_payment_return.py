"""A payment that went back: a stream of its own, so that it is found by its payment."""

from tests.unit.escrow.trades import returned

from danbao.escrow.payment_return import decider
from danbao.testing.spec import given


def test_a_return_is_kept_on_a_stream_of_its_payment() -> None:
    """The trade may not even exist; the payment does."""
    event = returned("trade_unknown")

    assert event.stream == "return/P-1"
    assert given(decider, event).state.returned
    assert not given(decider).state.returned


def test_nothing_can_be_asked_of_a_return() -> None:
    """It is a fact; there is nothing to decide about it."""
    assert decider.commands == ()
    assert decider.decide is None
