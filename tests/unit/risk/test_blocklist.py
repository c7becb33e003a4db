"""What the block list promises: operators put values on it and take them off, each once."""

import pytest

from danbao.contracts import risk as m
from danbao.contracts.decider import Wish
from danbao.contracts.facts import ListFact
from danbao.contracts.message import Event
from danbao.risk.blocklist import decider
from danbao.testing.spec import given

ADD = m.AddToList(list="block", kind="device", value="D-1", reason="stolen")
REMOVE = m.RemoveFromList(list="block", kind="device", value="D-1", reason="found again")
ADDED = m.ListEntryAdded(list="block", kind="device", value="D-1", reason="stolen")
REMOVED = m.ListEntryRemoved(list="block", kind="device", value="D-1", reason="found again")

SITUATIONS: dict[str, tuple[Event, ...]] = {
    "never": (),
    "listed": (ADDED,),
    "removed": (ADDED, REMOVED),
}
TABLE: dict[tuple[str, Wish], str] = {
    ("never", ADD): "ListEntryAdded",
    ("never", REMOVE): "entry_unknown",
    ("listed", ADD): "entry_exists",
    ("listed", REMOVE): "ListEntryRemoved",
    ("removed", ADD): "ListEntryAdded",
    ("removed", REMOVE): "entry_unknown",
}


@pytest.mark.parametrize(("situation", "command"), TABLE)
def test_every_command_in_every_situation_has_the_outcome_of_the_table(
    situation: str, command: Wish
) -> None:
    """An operator sees whether somebody else was faster."""
    answer = given(decider, *SITUATIONS[situation]).when(command)

    assert answer.outcome == TABLE[situation, command]


def test_the_events_say_who_was_listed_and_why() -> None:
    """A customer who asks later gets the reason that was given."""
    given(decider).when(ADD).then(ADDED).when(REMOVE).then(REMOVED)


@pytest.mark.parametrize(("situation", "command"), TABLE)
@pytest.mark.parametrize("actor", ["buyer:D-1", "seller:S-1", "operator:O-1"])
def test_only_operators_keep_the_list(situation: str, command: Wish, actor: str) -> None:
    """Nobody takes themselves off, and nobody learns by asking who is on it."""
    answer = given(decider, *SITUATIONS[situation]).by(actor).when(command)

    may = actor.startswith("operator:")
    assert answer.outcome == (TABLE[situation, command] if may else "not_allowed")


@pytest.mark.parametrize("kind", ["account", "device", "ip"])
def test_equal_values_of_different_kinds_are_different_entries(kind: m.EntryKind) -> None:
    """A device that happens to bear an account's id does not block the account."""
    command = m.AddToList(list="block", kind=kind, value="X-1", reason="")

    assert decider.stream_of(command) == f"list/{kind}/X-1"
    assert [event.stream for event in given(decider).when(command).events] == [f"list/{kind}/X-1"]


@pytest.mark.parametrize(("situation", "is_listed"), [("listed", True), ("removed", False)])
def test_assessments_may_ask_whether_a_value_is_listed(situation: str, is_listed: bool) -> None:
    """Whoever is off the list again pays again."""
    state = given(decider, *SITUATIONS[situation]).state

    assert decider.share(ADDED.stream, state) == {"list/device/D-1": ListFact(listed=is_listed)}
