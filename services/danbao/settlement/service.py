"""The settlement service: its deciders, and what it does when other services speak."""

from danbao.contracts import channel, escrow, settlement
from danbao.contracts.decider import Service
from danbao.contracts.policy_decider import policy_decider
from danbao.settlement import merchant
from danbao.settlement.process import on_order_ended, on_trade_released

service = Service(
    name="settlement",
    deciders=(merchant.decider, policy_decider("settlement", settlement)),
    reactions={
        escrow.TradeReleased: on_trade_released,
        channel.OrderSucceeded: on_order_ended,
        channel.OrderFailed: on_order_ended,
    },
)
