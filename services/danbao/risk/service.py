"""The risk service: its deciders, and what it does when other services speak."""

from danbao.contracts import authorization, risk
from danbao.contracts.decider import Service
from danbao.contracts.policy_decider import policy_decider
from danbao.risk import blocklist, payer
from danbao.risk.process import on_payment_requested

service = Service(
    name="risk",
    deciders=(payer.decider, blocklist.decider, policy_decider("risk", risk)),
    reactions={authorization.PaymentRequested: on_payment_requested},
)
