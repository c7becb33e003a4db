"""Is anything in flight?  Commands, events, reactions, read models and due timers."""

from collections.abc import Iterable

import asyncpg

from danbao.app import SERVICES, TOPICS_READ
from danbao.kernel.kafka.tail import last_records
from danbao.kernel.messages import TopicPartition
from danbao.kernel.sql import load_queries

Q = load_queries("danbao.engine", "idle.sql")


async def what_moves(connection: asyncpg.Connection, bootstrap: str, partitions: int) -> list[str]:
    """Name everything that is still in flight; nothing named means: idle."""
    before = await connection.fetchrow(Q["standing"])
    assert before is not None
    moving = [
        f"{name} ({before[name]})" for name in ("relay", "projections", "timers") if before[name]
    ]
    if moving:
        return moving
    topics = {topic for service in SERVICES for topic in TOPICS_READ[service]}
    places = [TopicPartition(topic, p) for topic in topics for p in range(partitions)]
    last = await last_records(bootstrap, places)
    moving.extend(await _behind(connection, last))
    after = await connection.fetchrow(Q["standing"])
    if tuple(after or ()) != tuple(before):
        moving.append("the log")
    return moving


async def _behind(connection: asyncpg.Connection, last: dict[TopicPartition, int]) -> Iterable[str]:
    """The services that have records to read."""
    offsets = {
        (row["service"], row["topic"], row["partition"]): row["next_offset"]
        for row in await connection.fetch(Q["offsets"])
    }
    behind = []
    for service in SERVICES:
        for topic in TOPICS_READ[service]:
            for place, offset in last.items():
                if place.topic == topic and offset >= offsets.get((service, *place), 0):
                    behind.append(f"{service} ({topic})")
                    break
    return behind
