"""How a good history is made bad: a register of forgeries, each with the check it must trip."""

from __future__ import annotations

import asyncio
import copy
import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from tests.audit.runner import run
from tests.unit.audit.figures import good_history

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.audit.rows import Row
    from tests.unit.audit.scribe import History


@dataclass(frozen=True)
class Forgery:
    """One way to break a history.

    `alone` says that no other check may speak up. A `sealed` forgery has its hashes, places
    and records made anew after the change, a `numbered` one its positions and versions too:
    the work of somebody who can write everywhere.
    """

    check: str
    break_it: Callable[[History], object]
    alone: bool
    sealed: bool
    numbered: bool


class Register(list[Forgery]):
    """The forgeries of one test file."""

    def bad(
        self, check: str, *, alone: bool = False, sealed: bool = False, numbered: bool = False
    ) -> Callable[[Callable[[History], object]], Callable[[History], object]]:
        """Register a function that breaks a history."""

        def register(break_it: Callable[[History], object]) -> Callable[[History], object]:
            self.append(Forgery(check, break_it, alone, sealed or numbered, numbered))
            return break_it

        return register

    def cases(self) -> pytest.MarkDecorator:
        """Return one test case a forgery, named after its function."""
        names = [forgery.break_it.__name__ for forgery in self]
        assert len(set(names)) == len(names)
        return pytest.mark.parametrize("forgery", self, ids=names)


@cache
def _good() -> History:
    return good_history()


def flagged(history: History) -> set[str]:
    """Audit a history with everything that is there, and return the checks that failed."""
    report = asyncio.run(
        run(history.tables, history.topics, expected=history.expected, lines=history.lines)
    )
    return set(report.counts)


def commit(forgery: Forgery) -> set[str]:
    """Break a copy of the good history and audit it."""
    history = copy.deepcopy(_good())
    forgery.break_it(history)
    if forgery.numbered:
        history.renumber()
    if forgery.sealed:
        history.seal()
    return flagged(history)


def assert_flagged(forgery: Forgery) -> None:
    """Hold the checks that failed against the one that had to."""
    found = commit(forgery)
    assert forgery.check in found
    if forgery.alone:
        assert found == {forgery.check}


def edit(row: Row, **facts: object) -> None:
    """Change fields of an event's data."""
    row.data = json.dumps({**json.loads(row.data), **facts}, ensure_ascii=False)


def repost(row: Row, number: int, **fields: object) -> None:
    """Change fields of one posting of a row."""
    postings: list[dict[str, Any]] = json.loads(row.postings or "[]")
    postings[number].update(fields)
    row.postings = json.dumps(postings)


def posting(debit: str, credit: str, minor: object, currency: str = "CNY") -> dict[str, object]:
    """Make one posting."""
    return {"debit": debit, "credit": credit, "minor": minor, "currency": currency}


def post(row: Row, *postings: dict[str, object]) -> None:
    """Add postings to a row."""
    row.postings = json.dumps([*json.loads(row.postings or "[]"), *postings])


def again(h: History, row: Row) -> None:
    """Let an event happen once more, at the end and caused by the last command."""
    other = copy.copy(row)
    other.event_id = f"{row.event_id[:-4]}ffff"
    other.causation_id = h.rows[-1].event_id
    h.rows.append(other)


def drop(h: History, row: Row) -> None:
    """Let an event never have happened; what it caused is laid to its own cause."""
    for other in h.rows:
        if other.causation_id == row.event_id:
            other.causation_id = row.causation_id
    h.rows.remove(row)


def move(h: History, row: Row, before: Row) -> None:
    """Let an event happen earlier."""
    h.rows.remove(row)
    h.rows.insert(h.rows.index(before), row)
