"""Decisions that would differ, and what they add up to; memory grows with merchants alone."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

import msgspec

from danbao.whatif.money import Effect, What
from danbao.whatif.reading import Reason

Json: TypeAlias = dict[str, object]
_data = msgspec.json.Decoder(dict[str, object])


@dataclass(frozen=True, slots=True)
class Made:
    """An event, recorded or instead of one: its type and data as text."""

    type: str
    data: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One decision that would differ."""

    position: int
    recorded_at: datetime
    decision: str
    """Wire type of its first recorded event."""
    flow: str
    merchant: str | None
    recorded: Sequence[Made]
    instead: Sequence[Made]
    effects: Sequence[Effect]
    """The money that moves otherwise."""

    def changed(self) -> dict[str, tuple[object, object]]:
        """What the data says otherwise: before and after, by path of the field.

        When other events would happen, only their types are given, under `events`.
        """
        if [each.type for each in self.recorded] != [each.type for each in self.instead]:
            return {"events": ([r.type for r in self.recorded], [i.type for i in self.instead])}
        found: dict[str, tuple[object, object]] = {}
        for before, after in zip(self.recorded, self.instead, strict=True):
            earlier, later = _flat(_data.decode(before.data)), _flat(_data.decode(after.data))
            for path in earlier.keys() | later.keys():
                if earlier.get(path) != later.get(path):
                    found[path] = earlier.get(path), later.get(path)
        return dict(sorted(found.items()))


@dataclass(frozen=True, slots=True)
class NotRedecided:
    """One decision about which nothing can be said, and why."""

    position: int
    recorded_at: datetime
    decision: str
    flow: str
    reason: Reason
    detail: str = ""


@dataclass(slots=True)
class Sums:
    """Decisions that would differ, and their money by kind and currency."""

    decisions: int = 0
    money: Counter[tuple[What, str]] = field(default_factory=Counter)

    def add(self, difference: Difference) -> None:
        """Count one more."""
        self.decisions += 1
        for effect in difference.effects:
            self.money[effect.what, effect.currency] += effect.minor


@dataclass(slots=True)
class Answer:
    """What a what-if found over a stretch of the log."""

    events: int = 0
    decisions: int = 0
    redecided: int = 0
    total: Sums = field(default_factory=Sums)
    by_decision: dict[str, Sums] = field(default_factory=dict)
    by_merchant: dict[str, Sums] = field(default_factory=dict)
    not_redecided: Counter[Reason] = field(default_factory=Counter)
    first_left: dict[Reason, int] = field(default_factory=dict)
    """Where the first decision stands that was not made again, by reason."""

    def add(self, difference: Difference) -> None:
        """Count a decision that would differ; one about no merchant is under the empty name."""
        self.total.add(difference)
        self.by_decision.setdefault(difference.decision, Sums()).add(difference)
        self.by_merchant.setdefault(difference.merchant or "", Sums()).add(difference)

    def leave(self, left: NotRedecided) -> None:
        """Count a decision that was not made again."""
        self.not_redecided[left.reason] += 1
        self.first_left.setdefault(left.reason, left.position)


def _flat(data: Json, path: str = "") -> dict[str, object]:
    """Fields of nested objects by their path, such as `fee.minor`."""
    flat: dict[str, object] = {}
    for name, value in data.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{path}{name}."))
        else:
            flat[path + name] = value
    return flat
