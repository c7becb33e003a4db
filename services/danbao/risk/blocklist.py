"""Block list: one stream for each listed account, device or address."""

from collections.abc import Mapping
from typing import assert_never

import msgspec

from danbao.contracts import risk as m
from danbao.contracts.actor import refuse_actor
from danbao.contracts.decider import Decider, Decision
from danbao.contracts.facts import Fact, Facts, ListFact
from danbao.contracts.rejection import Rejected, RejectionCode


class Entry(msgspec.Struct, frozen=True):
    """Whether the value is on the list."""

    listed: bool = False


def decide(command: m.AddToList | m.RemoveFromList, entry: Entry, facts: Facts) -> Decision:
    """Add or remove the entry."""
    if refused := refuse_actor(facts.actor, "operator"):
        return refused
    match command:
        case m.AddToList():
            if entry.listed:
                return Rejected(RejectionCode.ENTRY_EXISTS, {"value": command.value})
            added = m.ListEntryAdded(
                list=command.list, kind=command.kind, value=command.value, reason=command.reason
            )
            return [added]
        case m.RemoveFromList():
            if not entry.listed:
                return Rejected(RejectionCode.ENTRY_UNKNOWN, {"value": command.value})
            removed = m.ListEntryRemoved(
                list=command.list, kind=command.kind, value=command.value, reason=command.reason
            )
            return [removed]
        case _:
            assert_never(command)


def evolve(_entry: Entry, event: m.ListEntryAdded | m.ListEntryRemoved) -> Entry:
    """Apply one fact."""
    return Entry(listed=isinstance(event, m.ListEntryAdded))


def share(stream: str, entry: Entry) -> Mapping[str, Fact]:
    """Assessments ask whether a value is listed."""
    return {stream: ListFact(listed=entry.listed)}


decider = Decider(
    category="list",
    initial=Entry(),
    decide=decide,
    evolve=evolve,
    share=share,
    stream_of=lambda command: f"list/{command.kind}/{command.value}",
    commands=(m.AddToList, m.RemoveFromList),
    events=(m.ListEntryAdded, m.ListEntryRemoved),
)
