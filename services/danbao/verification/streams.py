"""Verifying streams: versions without a gap, and states that are what their events come to.

Streams are read one after the other by the index on (stream, version), so that a stream of any
length needs the memory of one state.  The states of a page are read in the snapshot in which its
streams end: the engine may go on meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import asyncpg
import msgspec

from danbao.app import SERVICES
from danbao.contracts.catalogue import service_of
from danbao.contracts.decider import AnyDecider
from danbao.kernel.events import decode_event
from danbao.kernel.loaded import category_of, decode_state
from danbao.kernel.replay import REJECTIONS
from danbao.verification.problems import Found
from danbao.verification.reading import reading
from danbao.verification.rows import Q

PAGE_EVENTS = 4_096
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class _Folded:
    """A stream as far as it was read."""

    name: str
    version: int = 0
    position: int = 0
    state: msgspec.Struct | None = None
    decider: AnyDecider | None = None
    is_broken: bool = False


@dataclass(slots=True)
class StreamChecker:
    """Folds the events of a stretch of streams, and holds the states against them."""

    found: Found = field(default_factory=Found)
    current: _Folded = field(default_factory=lambda: _Folded(""))
    ended: dict[str, _Folded] = field(default_factory=dict)

    def take(self, stream: str, version: int, type_: str, data: str, position: int) -> None:
        """Apply the next event."""
        if stream != self.current.name:
            self.end()
            self.current = _Folded(stream)
        folded = self.current
        if version != folded.version + 1:
            detail = f"version {version} follows version {folded.version}"
            self.found.add("version_wrong", detail, position, stream)
        folded.version, folded.position = version, position
        if not folded.is_broken:
            self._evolve(folded, type_, data)
        self.found.checked += 1

    def _evolve(self, folded: _Folded, type_: str, data: str) -> None:
        category = category_of(folded.name)
        if category == REJECTIONS:
            return
        try:
            if folded.decider is None:
                folded.decider = SERVICES[service_of(type_)].decider_for(category)
                folded.state = folded.decider.initial
            folded.state = folded.decider.evolve(folded.state, decode_event(type_, data))
        except Exception as error:  # noqa: BLE001 - whatever it is, this history cannot be folded
            folded.is_broken = True
            detail = f"{type_} does not follow here: {error!r}"[:200]
            self.found.add("history_broken", detail, folded.position, folded.name)

    def end(self) -> None:
        """The stream in hand is at its end."""
        if self.current.name:
            self.ended[self.current.name] = self.current

    def compare(self, rows: Sequence[asyncpg.Record]) -> None:
        """Hold the states of a stretch against the streams that ended in it."""
        for name, version, fold_version, state in rows:
            folded = self.ended.pop(name, None)
            if folded is None:
                if version:
                    self.found.add("state_wrong", "there are no events of it", None, name)
                continue
            self._compare(folded, version, fold_version, state)
        for folded in self.ended.values():
            if category_of(folded.name) != REJECTIONS:
                self.found.add("state_wrong", f"it has no state{_last(folded)}", None, folded.name)
        self.ended.clear()

    def _compare(self, folded: _Folded, version: int, fold_version: int, state: str) -> None:
        if version != folded.version:
            detail = f"the state is that of version {version}, not {folded.version}"
            self.found.add("state_wrong", detail + _last(folded), None, folded.name)
        elif (
            folded.decider is not None
            and not folded.is_broken
            and fold_version == folded.decider.fold_version
            and state != _encode(folded.state).decode()
            and not _is_same(folded, state)
        ):
            detail = "the state is not what the events come to"
            self.found.add("state_wrong", detail + _last(folded), None, folded.name)


def _last(folded: _Folded) -> str:
    return f" (its last event is at position {folded.position})"


def _is_same(folded: _Folded, state: str) -> bool:
    """Other words for the same state, as older code may have written it."""
    assert folded.decider is not None
    try:
        return decode_state(folded.decider, state) == folded.state
    except msgspec.MsgspecError:
        return False


async def check_streams(dsn: str, after: str, before: str | None) -> Found:
    """Check the streams from `after` on, and below `before`; both as their names sort."""
    checker = StreamChecker()
    last: tuple[str, int] = (after, 0)
    compared = after
    async with reading(dsn) as connection:
        while True:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                rows = await connection.fetch(Q["events_by_stream"], *last, before, PAGE_EVENTS)
                for row in rows:
                    checker.take(*row)
                is_last = len(rows) < PAGE_EVENTS
                if is_last:
                    checker.end()
                upto = before if is_last else max(checker.ended, default=None)
                if is_last or upto is not None:
                    with_first = compared == after
                    states = await connection.fetch(Q["states"], compared, upto, with_first)
                    checker.compare([row for row in states if row["stream"] != before])
                    compared = upto or compared
            if is_last:
                return checker.found
            last = (rows[-1]["stream"], rows[-1]["version"])
