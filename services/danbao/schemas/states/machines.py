"""Every machine there is, explored once."""

from functools import cache
from typing import Final

from danbao.schemas.services import all_services
from danbao.schemas.states import account, blocklist, merchant, order, payment, topup, trade
from danbao.schemas.states.explore import Exploration, explore
from danbao.schemas.states.machine import Machine
from danbao.schemas.states.policy import policy_machine

DRAWN: Final[tuple[Machine, ...]] = (
    trade.machine,
    payment.machine,
    account.machine,
    topup.machine,
    order.machine,
    merchant.machine,
)
"""The machines that have a page in `docs/states`."""


@cache
def exploration_of(machine: Machine) -> Exploration:
    """Explore a machine, once."""
    return explore(machine)


@cache
def explored() -> tuple[Exploration, ...]:
    """All explorations: between them every command of every service is tried."""
    policies = tuple(policy_machine(service) for service in all_services())
    machines = (*DRAWN, blocklist.machine, *policies)
    return tuple(exploration_of(machine) for machine in machines)
