"""What risk does when authorization speaks."""

from danbao.contracts import authorization, risk
from danbao.contracts.decider import Recorded
from danbao.risk.service import service
from danbao.testing.builders import START, fen


def test_every_requested_payment_is_assessed_as_of_when_it_was_recorded() -> None:
    """The time that counts is the log's, so that a replay gives the same verdict."""
    requested = authorization.PaymentRequested(
        payment_id="P-1",
        trade_id="T-1",
        payer="B-1",
        amount=fen(10_000),
        method="balance",
        device_id="D-1",
        ip="10.0.0.7",
    )

    react = service.reactions[authorization.PaymentRequested]

    assert react(requested, Recorded(requested, START)) == [
        risk.AssessPayment(
            payment_id="P-1",
            payer="B-1",
            amount=fen(10_000),
            requested_at=START,
            device_id="D-1",
            ip="10.0.0.7",
        )
    ]
    assert service.sources == ("authorization",)
