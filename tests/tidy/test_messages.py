"""Every message has one owner: what is sent is decided, and what is recorded is folded."""

from collections import Counter

from tests.tidy.checkout import listing

from danbao.contracts.catalogue import COMMANDS, EVENTS, SERVICES, service_of
from danbao.contracts.decider import AnyDecider
from danbao.contracts.message import Event, wire_type
from danbao.schemas.services import all_services

DECIDERS: list[tuple[str, AnyDecider]] = [
    (service.name, decider) for service in all_services() for decider in service.deciders
]


def has_state(event: type[Event]) -> bool:
    """Refusals stand on streams of their own, which have no state (contract, Streams)."""
    return not event.STREAM.startswith("rejection/")


def test_every_service_is_named_as_its_folder() -> None:
    """Topics, wire types, folders and services share one name."""
    assert tuple(service.name for service in all_services()) == SERVICES


def test_every_event_belongs_to_one_decider() -> None:
    """An event that nobody folds would be in the log and in no state."""
    owners = Counter(event for _, decider in DECIDERS for event in decider.events)

    problems = [
        f"{name}: {owners[event]} owners"
        for name, event in EVENTS.items()
        if owners[event] != has_state(event)
    ]
    assert not problems, listing(problems, "name it in `events` of the decider of its stream")


def test_every_event_stands_on_a_stream_of_its_decider() -> None:
    """Where an event stands and who folds it are said in two files; they must agree."""
    problems = [
        f"{wire_type(event)}: stream {event.STREAM}, decider of {decider.category}/"
        for service, decider in DECIDERS
        for event in decider.events
        if event.STREAM.split("/")[0] != decider.category or service_of(wire_type(event)) != service
    ]
    assert not problems, listing(problems, "mend STREAM or the decider's category")


def test_every_command_has_one_decider_in_its_service() -> None:
    """A command that nobody decides would never be answered."""
    owners = Counter(
        wire_type(wish) for service, decider in DECIDERS for wish in decider.commands
        if service_of(wire_type(wish)) == service
    )  # fmt: skip

    problems = [f"{name}: {owners[name]} deciders" for name in COMMANDS if owners[name] != 1]
    assert not problems, listing(problems, "name it in `commands` of one decider")


def test_every_command_names_its_partition_key() -> None:
    """Without a key there is no flow, and no order."""
    problems = [name for name, command in COMMANDS.items() if not command.KEY]
    assert not problems, listing(problems, "set KEY to the field that is the business flow")
