"""The escrow service: its deciders, and what it does when other services speak."""

from danbao.contracts import authorization, escrow
from danbao.contracts.decider import Service
from danbao.contracts.policy_decider import policy_decider
from danbao.escrow import payment_return, trade
from danbao.escrow.process import on_payment_captured

service = Service(
    name="escrow",
    deciders=(trade.decider, payment_return.decider, policy_decider("escrow", escrow)),
    reactions={authorization.PaymentCaptured: on_payment_captured},
)
