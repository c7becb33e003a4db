"""The decider of policy streams: the same for every service, each for its own policies."""

from collections.abc import Mapping
from types import ModuleType

import msgspec

from danbao.contracts import policy as m
from danbao.contracts.actor import refuse_actor
from danbao.contracts.decider import Decider, Decision
from danbao.contracts.facts import Fact, Facts, PolicyFact, PolicyVersion
from danbao.contracts.rejection import Rejected, RejectionCode


class PublishedVersions(msgspec.Struct, frozen=True):
    """All versions published so far, oldest first."""

    versions: tuple[PolicyVersion, ...] = ()


def evolve(state: PublishedVersions, event: m.PolicyPublished) -> PublishedVersions:
    """Add a version."""
    added = PolicyVersion(
        version=event.version, effective_from=event.effective_from, body=event.body
    )
    return PublishedVersions((*state.versions, added))


def share(stream: str, state: PublishedVersions) -> Mapping[str, Fact]:
    """Every service may ask what is in force."""
    return {stream: PolicyFact(versions=state.versions)}


def policy_decider(service: str, contracts: ModuleType) -> Decider[PublishedVersions]:
    """Make the decider for the policies of one service; `contracts` has its message types."""

    def decide(command: m.PublishPolicy, state: PublishedVersions, facts: Facts) -> Decision:
        """Publish the next version, complete with the defaults of what the body leaves out."""
        if refused := refuse_actor(facts.actor, "operator"):
            return refused
        body_type = m.CATALOGUE.get(command.policy)
        if body_type is None or m.service_of(command.policy) != service:
            known = sorted(name for name in m.CATALOGUE if m.service_of(name) == service)
            return Rejected(RejectionCode.POLICY_UNKNOWN, {"known": known})
        try:
            body = msgspec.convert(command.body, body_type)
        except msgspec.ValidationError as error:
            return Rejected(RejectionCode.POLICY_INVALID, {"problem": str(error)})
        published = contracts.PolicyPublished(
            policy=command.policy,
            version=len(state.versions) + 1,
            effective_from=max(command.effective_from or facts.now, facts.now),
            body=msgspec.structs.asdict(body),
        )
        return [published]

    return Decider(
        category="policy",
        initial=PublishedVersions(),
        decide=decide,
        evolve=evolve,
        share=share,
        stream_of=lambda command: f"policy/{command.policy}",
        commands=(contracts.PublishPolicy,),
        events=(contracts.PolicyPublished,),
    )
