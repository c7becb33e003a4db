"""The accounts service: its deciders, and what it does when other services speak."""

from danbao.accounts import account, topup
from danbao.accounts.process import on_order_ended
from danbao.contracts import accounts, channel
from danbao.contracts.decider import Service
from danbao.contracts.policy_decider import policy_decider

service = Service(
    name="accounts",
    deciders=(account.decider, topup.decider, policy_decider("accounts", accounts)),
    reactions={channel.OrderSucceeded: on_order_ended, channel.OrderFailed: on_order_ended},
)
