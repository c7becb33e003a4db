"""The entry of the block list, and what to try on it."""

from collections.abc import Sequence

from danbao.contracts import risk as m
from danbao.risk.blocklist import Entry, decider
from danbao.schemas.sample import sample
from danbao.schemas.states.machine import Label, Machine, Trial, World


def trials(_entry: Entry) -> Sequence[Trial]:
    """Add it, take it off."""
    return (Trial(sample(m.AddToList), World()), Trial(sample(m.RemoveFromList), World()))


machine = Machine(
    decider=decider,
    title="Block list entry",
    label=lambda entry: Label("listed" if entry.listed else "not listed"),
    trials=trials,
)
