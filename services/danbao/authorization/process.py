"""What authorization does when other services speak: pure, event -> reactions."""

from danbao.contracts import authorization, risk
from danbao.contracts.decider import Recorded


def on_payment_assessed(
    event: risk.PaymentAssessed, _recorded: Recorded
) -> list[authorization.ConcludePayment]:
    """Risk has spoken: the payment can be concluded."""
    conclusion = authorization.ConcludePayment(
        payment_id=event.payment_id, payer=event.payer, decision=event.decision
    )
    return [conclusion]
