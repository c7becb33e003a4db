"""I3, I4, I9, I10: one answer for each command and body, and one reason for each event."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from danbao.kernel.messages import LogRow
from danbao.testing.simulation.history import History, Sent
from danbao.testing.simulation.watch import Watch
from danbao.testing.simulation.world import World

Rows: TypeAlias = Mapping[str, list[LogRow]]


def answer_problems(world: World, watch: Watch, history: History) -> Iterator[str]:
    """Compare what was sent with what was answered."""
    caused: dict[str, list[LogRow]] = defaultdict(list)
    for row in world.tables.log:
        caused[row.causation_id].append(row)
    for name, bodies in history.bodies.items():
        yield from _command(world, name, list(bodies.values()), caused)
    yield from _causes(world, watch, history, caused)
    yield from _dead_letters(world, history)
    for name, rows in caused.items():
        if name in watch.timers:
            yield from _timer(world, name, rows)
    _count_codes(world)


def _command(world: World, name: str, bodies: list[Sent], caused: Rows) -> Iterator[str]:
    rows = caused.get(name, [])
    stored = world.tables.inbox.get(name)
    if stored is None:
        yield f"command {name} ({bodies[0].type}) has no place in the inbox, {len(rows)} events"
        return
    body = json.loads(stored.answer.body.text)
    if body not in [sent.body for sent in bodies]:
        yield f"command {name}: the inbox has a body that nobody sent: {body}"
    first, last = stored.first_position, stored.last_position
    answer = [row for row in rows if first <= row.position <= last]
    others = [row for row in rows if not first <= row.position <= last]
    if [row.position for row in answer] != list(range(first, last + 1)):
        yield f"command {name}: its answer is said to be {first}..{last}, found {_places(answer)}"
    codes = [_code(row) for row in others]
    if codes != ["command_id_reused"] * (len(bodies) - 1):
        yield (
            f"command {name} ({bodies[0].type}) was sent with {len(bodies)} bodies, and has beside "
            f"its answer {first}..{last}: {_places(others)} {codes}"
        )


def _causes(world: World, watch: Watch, history: History, caused: Rows) -> Iterator[str]:
    """Nothing happens without a reason that came before it."""
    events = {row.event_id: row.position for row in world.tables.log}
    if len(events) != len(world.tables.log):
        yield "two events have one id"
    for name, rows in caused.items():
        position = events.get(name)
        if position is not None:
            if rows[0].position <= position:
                yield f"position {rows[0].position} was caused by {position}, which came later"
        elif name not in history.bodies and name not in watch.timers:
            yield f"nobody knows the cause of position {rows[0].position}: {name}"
    unknown = set(world.tables.inbox) - set(history.bodies) - set(watch.timers)
    if unknown:
        yield f"the inbox has commands that nobody sent: {sorted(unknown)[:3]}"


def _timer(world: World, name: str, rows: list[LogRow]) -> Iterator[str]:
    """A timer has one answer at most; that it was not early is checked at the commit."""
    places = [row.position for row in rows]
    if places != list(range(places[0], places[0] + len(places))):
        yield f"timer {name} fired more than once: {_places(rows)}"
    stored = world.tables.inbox.get(name)
    if stored is None or (stored.first_position, stored.last_position) != (places[0], places[-1]):
        yield f"timer {name} fired at {places[0]}..{places[-1]}, which the inbox does not say"


def _dead_letters(world: World, history: History) -> Iterator[str]:
    """What cannot be read is set aside, and nothing else is."""
    kept = {(place, offset) for _, place, offset in world.tables.letters}
    for place, offset in sorted(history.unreadable - kept):
        yield f"{place.topic}/{place.partition} {offset} cannot be read, and is not set aside"
    for (_, place, offset), stored in world.tables.letters.items():
        if (place, offset) not in history.unreadable:
            yield (
                f"{place.topic}/{place.partition} {offset} was set aside: {stored.letter.reason} "
                f"{stored.letter.detail}"
            )


def _code(row: LogRow) -> Any:  # noqa: ANN401 - a text if the row is a refusal
    if not row.type.endswith(".command_rejected.v1"):
        return row.type
    return json.loads(row.data)["code"]


def _count_codes(world: World) -> None:
    for row in world.tables.log:
        if row.type.endswith(".command_rejected.v1"):
            world.coverage.codes[_code(row)] += 1
        elif row.type == "authorization.payment_declined.v1":
            world.coverage.codes[json.loads(row.data)["code"]] += 1
        elif row.type == "escrow.payment_returned.v1":
            world.coverage.codes[json.loads(row.data)["reason"]] += 1


def _places(rows: list[LogRow]) -> list[str]:
    return [f"{row.position} {row.type}" for row in rows[:5]]
