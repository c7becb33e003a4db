"""The policies of each service, and what to try on them."""

from collections.abc import Sequence

from danbao.contracts.decider import AnyDecider, Service
from danbao.contracts.policy import CATALOGUE, service_of
from danbao.contracts.policy_decider import PublishedVersions
from danbao.schemas.sample import sample
from danbao.schemas.states.machine import Label, Machine, Trial, World


def policy_machine(service: Service) -> Machine:
    """The machine of one service's policies."""
    decider: AnyDecider = service.decider_for("policy")
    (publish,) = decider.commands
    own = [name for name in CATALOGUE if service_of(name) == service.name]

    def trials(_state: PublishedVersions) -> Sequence[Trial]:
        return (
            *(Trial(sample(publish, policy=name, body={}), World()) for name in own),
            *(
                Trial(sample(publish, policy=name, body={"no_such_field": 1}), World(), "bad body")
                for name in own
            ),
            Trial(sample(publish, policy="no_such.policy", body={}), World()),
        )

    return Machine(
        decider=decider,
        title=f"Policies of {service.name}",
        label=lambda state: Label("published" if state.versions else "default"),
        detail=lambda _state: "",
        trials=trials,
    )
