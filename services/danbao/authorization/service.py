"""The authorization service: its deciders, and what it does when other services speak."""

from danbao.authorization import payment
from danbao.authorization.process import on_payment_assessed
from danbao.contracts import authorization, risk
from danbao.contracts.decider import Service
from danbao.contracts.policy_decider import policy_decider

service = Service(
    name="authorization",
    deciders=(payment.decider, policy_decider("authorization", authorization)),
    reactions={risk.PaymentAssessed: on_payment_assessed},
)
