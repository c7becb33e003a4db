"""Questions about a log in memory, in a word or two."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from tests.unit.whatif.memory_history import MemoryHistory

from danbao.app import SERVICES
from danbao.contracts.policy import CATALOGUE
from danbao.kernel.memory.tables import Tables
from danbao.whatif.difference import Answer, Difference, NotRedecided
from danbao.whatif.past import HELD_MAX
from danbao.whatif.policies import read_policies
from danbao.whatif.reading import Reason
from danbao.whatif.walk import WhatIf

DEFAULTS: Mapping[str, Mapping[str, object]] = {
    name: msgspec.structs.asdict(kind()) for name, kind in CATALOGUE.items()
}
HARMLESS = {Reason.REFUSED_WHEN_READ, Reason.BODY_NOT_KEPT}
"""Refusals that no state and no policy was asked for."""


@dataclass
class Asked:
    """An answer, and everything that was told on the way."""

    answer: Answer
    differences: list[Difference] = field(default_factory=list)
    left: list[NotRedecided] = field(default_factory=list)


def file_of(policies: Mapping[str, Mapping[str, object]]) -> bytes:
    """A policy file."""
    return json.dumps([{"policy": name, "body": body} for name, body in policies.items()]).encode()


async def ask(
    tables: Tables,
    policies: Mapping[str, Mapping[str, object]],
    after: int = 0,
    upto: int | None = None,
    held_max: int = HELD_MAX,
) -> Asked:
    """Ask about a stretch of the log, all of it unless told otherwise."""
    asked = Asked(Answer())

    def tell(each: Difference | NotRedecided) -> None:
        (asked.differences if isinstance(each, Difference) else asked.left).append(each)  # type: ignore[arg-type]

    question = WhatIf(
        MemoryHistory(tables), SERVICES, read_policies(file_of(policies)), tell, held_max=held_max
    )
    end = len(tables.log) if upto is None else upto
    asked.answer = await question.ask(after, end, lambda _position: None)
    return asked
