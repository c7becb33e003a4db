"""Services as values: every message has exactly one decider that answers for it."""

import pytest

from danbao.accounts.service import service as accounts
from danbao.authorization.service import service as authorization
from danbao.channel.service import service as channel
from danbao.contracts.catalogue import COMMANDS, EVENTS, service_of
from danbao.contracts.decider import Service
from danbao.contracts.message import Command, Reaction, wire_type
from danbao.contracts.rejection import CommandRejected
from danbao.escrow.service import service as escrow
from danbao.risk.service import service as risk
from danbao.settlement.service import service as settlement

SERVICES = (accounts, authorization, channel, escrow, risk, settlement)


@pytest.mark.parametrize("service", SERVICES, ids=lambda each: each.name)
def test_a_service_answers_exactly_its_commands(service: Service) -> None:
    """No command of the catalogue is without an answer, and none has two."""
    own = {name for name in COMMANDS if service_of(name) == service.name}

    assert sorted(wire_type(command) for command in service.commands) == sorted(own)
    for command in service.commands:
        assert command in service.decider_of(command).commands


@pytest.mark.parametrize("service", SERVICES, ids=lambda each: each.name)
def test_a_service_folds_exactly_its_events(service: Service) -> None:
    """Every event of the catalogue belongs to one category of streams; refusals have no state."""
    own = [
        event
        for name, event in EVENTS.items()
        if service_of(name) == service.name and not issubclass(event, CommandRejected)
    ]
    folded = [event for decider in service.deciders for event in decider.events]

    assert sorted(folded, key=wire_type) == sorted(own, key=wire_type)
    for decider in service.deciders:
        assert service.decider_for(decider.category) is decider
        assert {event.STREAM.split("/")[0] for event in decider.events} == {decider.category}


@pytest.mark.parametrize("service", SERVICES, ids=lambda each: each.name)
def test_a_service_reacts_to_others_and_answers_what_it_derives(service: Service) -> None:
    """A service never listens to itself, and every reaction has a decider."""
    assert service.name not in service.sources
    for decider in service.deciders:
        for wish in decider.commands:
            assert issubclass(wish, Command | Reaction)
            assert service.decider_of(wish) is decider


def test_categories_belong_to_one_service_each() -> None:
    """Nobody but the owner appends to a stream; policies are split by their names."""
    owners = [
        (decider.category, service.name)
        for service in SERVICES
        for decider in service.deciders
        if decider.category != "policy"
    ]

    assert len({category for category, _ in owners}) == len(owners)


def test_a_message_of_another_service_is_a_mistake_of_ours() -> None:
    """The kernel never asks a service about what is not its own."""
    with pytest.raises(KeyError):
        accounts.decider_of(escrow.commands[0])
    with pytest.raises(KeyError):
        accounts.decider_for("trade")
