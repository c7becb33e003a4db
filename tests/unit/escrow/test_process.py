"""What escrow does when authorization speaks."""

from tests.unit.escrow.trades import PAY

from danbao.contracts import authorization
from danbao.contracts.decider import Recorded
from danbao.escrow.service import service
from danbao.testing.builders import START, fen


def test_every_captured_payment_is_offered_to_its_trade() -> None:
    """Captured money is always either held for the trade or sent back."""
    captured = authorization.PaymentCaptured(
        payment_id="P-1", trade_id="T-1", payer="B-1", amount=fen(10_000)
    )

    react = service.reactions[authorization.PaymentCaptured]

    assert react(captured, Recorded(captured, START)) == [PAY]


def test_the_offer_is_decided_on_the_stream_of_the_trade() -> None:
    """So that a payment and a time-out can never both win."""
    assert service.decider_of(type(PAY)).stream_of(PAY) == "trade/T-1"


def test_escrow_listens_to_authorization_only() -> None:
    """What a service depends on is visible in one place."""
    assert set(service.reactions) == {authorization.PaymentCaptured}
    assert service.sources == ("authorization",)
