"""The channel service: its deciders, and what it does when other services speak."""

from danbao.channel import order
from danbao.channel.process import on_payout_requested, on_top_up_requested, on_top_up_settled
from danbao.contracts import accounts, channel, settlement
from danbao.contracts.decider import Service
from danbao.contracts.policy_decider import policy_decider

service = Service(
    name="channel",
    deciders=(order.decider, policy_decider("channel", channel)),
    reactions={
        accounts.TopUpRequested: on_top_up_requested,
        accounts.TopUpSettled: on_top_up_settled,
        settlement.PayoutRequested: on_payout_requested,
    },
)
