"""What risk does when other services speak: pure, event -> reactions."""

from danbao.contracts import authorization, risk
from danbao.contracts.decider import Recorded


def on_payment_requested(
    event: authorization.PaymentRequested, recorded: Recorded
) -> list[risk.AssessPayment]:
    """Every requested payment is assessed."""
    assessment = risk.AssessPayment(
        payment_id=event.payment_id,
        payer=event.payer,
        amount=event.amount,
        requested_at=recorded.recorded_at,
        device_id=event.device_id,
        ip=event.ip,
    )
    return [assessment]
