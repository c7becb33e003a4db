"""What authorization does when risk speaks."""

import pytest

from danbao.authorization.service import service
from danbao.contracts import authorization, risk
from danbao.contracts.decider import Recorded
from danbao.testing.builders import START, fen


@pytest.mark.parametrize("decision", ["approve", "challenge", "decline"])
def test_every_assessment_concludes_its_payment(decision: authorization.RiskDecision) -> None:
    """No payment waits for ever once risk has spoken."""
    features = risk.Features(amount=fen(1), requested_at=START, listed=(), payments_in_window=1)
    assessed = risk.PaymentAssessed(
        payment_id="P-1",
        payer="B-1",
        decision=decision,
        score=0,
        reasons=(),
        rules_version=0,
        features=features,
    )

    reactions = service.reactions[risk.PaymentAssessed](assessed, Recorded(assessed, START))

    assert reactions == [
        authorization.ConcludePayment(payment_id="P-1", payer="B-1", decision=decision)
    ]
    assert service.sources == ("risk",)
