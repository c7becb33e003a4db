"""Publishing policies: versions that are counted, complete, and never in force backwards."""

from datetime import timedelta, timezone
from types import ModuleType

import pytest
from msgspec.structs import replace

from danbao.contracts import accounts, authorization, channel, escrow, risk, settlement
from danbao.contracts.facts import PolicyFact, PolicyVersion
from danbao.contracts.policy import CATALOGUE, service_of
from danbao.contracts.policy_decider import policy_decider
from danbao.testing.builders import START
from danbao.testing.spec import given

MODULES: dict[str, ModuleType] = {
    "accounts": accounts,
    "authorization": authorization,
    "channel": channel,
    "escrow": escrow,
    "risk": risk,
    "settlement": settlement,
}
DAY = timedelta(days=1)
decider = policy_decider("settlement", settlement)
COMMAND = settlement.PublishPolicy(policy="settlement.fee", body={"fee_bps": 38})
PUBLISHED = settlement.PolicyPublished(
    policy="settlement.fee", version=1, effective_from=START, body={"fee_bps": 38}
)


@pytest.mark.parametrize("policy", CATALOGUE)
@pytest.mark.parametrize("service", MODULES)
def test_a_service_publishes_its_own_policies_only(service: str, policy: str) -> None:
    """One owner a policy: its versions are in one stream, in one order."""
    command = MODULES[service].PublishPolicy(policy=policy, body={})

    answer = given(policy_decider(service, MODULES[service])).when(command)

    if service == service_of(policy):
        assert answer.outcome == "PolicyPublished"
    else:
        own = sorted(name for name in CATALOGUE if service_of(name) == service)
        answer.then_rejected("policy_unknown", known=own)


def test_versions_are_counted_from_one() -> None:
    """Version 0 is the default; events name the version they were decided by."""
    first = given(decider).when(COMMAND).then(PUBLISHED)

    first.when(COMMAND).then(replace(PUBLISHED, version=2))


def test_a_version_is_complete() -> None:
    """What is left out is the default, written down, not what was in force before."""
    command = settlement.PublishPolicy(policy="settlement.cut_off", body={"time": "03:00"})

    [event] = given(decider).when(command).events

    assert isinstance(event, settlement.PolicyPublished)
    assert event.body == {"enabled": True, "time": "03:00", "time_zone": "Asia/Shanghai"}


@pytest.mark.parametrize(
    ("asked", "given_"),
    [(None, START), (START - DAY, START), (START, START), (START + DAY, START + DAY)],
)
def test_a_version_is_never_in_force_before_it_was_published(asked: object, given_: object) -> None:
    """What was decided stays right: nobody changes yesterday's fee."""
    command = replace(COMMAND, effective_from=asked)

    given(decider).when(command).then(replace(PUBLISHED, effective_from=given_))


def test_a_moment_in_another_zone_is_the_same_moment() -> None:
    """Operators may write their local time."""
    shanghai = timezone(timedelta(hours=8))
    command = replace(COMMAND, effective_from=(START + DAY).astimezone(shanghai))

    given(decider).when(command).then(replace(PUBLISHED, effective_from=START + DAY))


@pytest.mark.parametrize("body", [{"fee_bps": 10_001}, {"fee": 60}, {"fee_bps": "60"}])
def test_a_body_that_does_not_fit_is_refused_with_the_problem(body: dict[str, object]) -> None:
    """The operator mends it before any trade has met it."""
    answer = given(decider).when(replace(COMMAND, body=body))

    assert "fee" in str(answer.decision)
    answer.then_rejected("policy_invalid")


def test_the_first_fault_is_named() -> None:
    """Not allowed, then unknown, then invalid."""
    wrong = settlement.PublishPolicy(policy="settlement.fees", body={"fee": 60})

    given(decider).by("seller:S-1").when(wrong).then_rejected("not_allowed")
    given(decider).by("operator:O-1").when(wrong).then_rejected("policy_unknown")
    given(decider).by("operator:O-1").when(replace(wrong, policy="settlement.fee")).then_rejected(
        "policy_invalid"
    )
    given(decider).by("operator:O-1").when(COMMAND).then(PUBLISHED)


def test_every_service_may_ask_for_all_versions() -> None:
    """The one in force is chosen by the moment of the decision."""
    state = given(decider, PUBLISHED).state
    version = PolicyVersion(version=1, effective_from=START, body={"fee_bps": 38})

    assert PUBLISHED.stream == "policy/settlement.fee"
    assert decider.share(PUBLISHED.stream, state) == {
        PUBLISHED.stream: PolicyFact(versions=(version,))
    }
