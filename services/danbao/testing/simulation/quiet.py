"""Whether a simulated engine is at rest: nothing is left to read, publish, send or try again."""

from collections.abc import Iterator, Mapping

from danbao.contracts.decider import Service
from danbao.kernel.topics import commands_topic, events_topic
from danbao.testing.simulation.world import World


def what_moves(world: World, services: Mapping[str, Service]) -> list[str]:
    """Say what is still to come; nothing when at rest."""
    return [*_unread(world, services), *_unpublished(world), *_due(world)][:1]


def _unread(world: World, services: Mapping[str, Service]) -> Iterator[str]:
    offsets = world.tables.offsets
    for name, service in services.items():
        topics = [commands_topic(name), *map(events_topic, service.sources)]
        for place in world.broker.places(topics):
            last = world.broker.partition(place).last()
            if last is None:
                continue
            stored = offsets.get((name, place))
            if stored is None or stored.next_offset <= last.offset:
                at = "nothing" if stored is None else stored.next_offset
                where = f"{place.topic}/{place.partition}"
                yield f"{name} has read up to {at} of {where}, {last.offset} is there"


def _unpublished(world: World) -> Iterator[str]:
    confirmed, head = world.tables.lease.confirmed, world.tables.position
    if confirmed < head:
        yield f"published up to {confirmed} of {head}"


def _due(world: World) -> Iterator[str]:
    now = world.now() + world.moved
    for timer in world.tables.timers.values():
        if timer.due_at <= now:
            yield f"{timer.type} of {timer.stream} was due at {timer.due_at}"
    for (service, place, offset), stored in world.tables.letters.items():
        if stored.state == "requested":
            yield f"{service} has a letter to try again: {place.topic}/{place.partition} {offset}"
