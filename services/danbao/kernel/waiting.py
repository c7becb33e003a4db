"""What waits for a process, asked of Postgres and Kafka over connections of the watch's own.

Each question raises when a server does not answer: then nothing is known to wait.  It is told which
marks move, as to look behind those would cost a busy process more than it tells.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg
from aiokafka.errors import KafkaError

from danbao.kernel.clock import DISAGREEMENT_S, SystemClock
from danbao.kernel.errors import UnavailableError
from danbao.kernel.kafka.group import answers, find_member
from danbao.kernel.kafka.tail import last_records
from danbao.kernel.messages import TopicPartition
from danbao.kernel.postgres.connection import PATIENT, connect, role_of
from danbao.kernel.postgres.store import BROKEN, translate
from danbao.kernel.sql import load_queries

Q = load_queries("danbao.kernel", "waiting.sql")

Waiting: TypeAlias = Mapping[str, str]
"""What waits, by the name of its mark or any other name, with words for an operator."""
Ask: TypeAlias = Callable[[Collection[str]], Awaitable[Waiting]]
"""Asks what waits, but not behind the marks named: those move."""


def mark_of(place: TopicPartition) -> str:
    """The name of a partition's mark."""
    return f"{place.topic}/{place.partition}"


@asynccontextmanager
async def _connected(dsn: str, process: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(dsn, purpose="watch", session=PATIENT, role=role_of(process))
    try:
        yield connection
    except (asyncpg.PostgresError, *BROKEN) as error:
        raise translate(error) from error
    finally:
        connection.terminate()


async def records_waiting(
    dsn: str, bootstrap: str, service: str, group: str, client_id: str, moving: Collection[str]
) -> Waiting:
    """Records in partitions that the group gave to this worker; or that it is no member at all."""
    async with _connected(dsn, service) as connection:
        rows = await connection.fetch(Q["offsets"], service)
    member = await find_member(bootstrap, group, client_id)
    if not member.is_settled:
        return {}
    if not member.is_known:
        return {"group": f"group {group} has no member {client_id}"}
    offsets = {TopicPartition(row[0], row[1]): row[2] for row in rows}
    places = [place for place in member.places if mark_of(place) not in moving]
    return await _behind(bootstrap, places, offsets)


async def _behind(
    bootstrap: str, places: Collection[TopicPartition], offsets: dict[TopicPartition, int]
) -> Waiting:
    if not places:
        return {}
    try:
        last = await last_records(bootstrap, places)
    except KafkaError as error:
        raise UnavailableError(f"Kafka does not answer: {error!r}") from error
    return {
        mark_of(place): f"{mark_of(place)} stands at {offsets.get(place, 0)} of {offset + 1}"
        for place, offset in last.items()
        if offset >= offsets.get(place, 0)
    }


async def nothing(_: Collection[str]) -> Waiting:
    """For a process on which nobody waits."""
    return {}


async def events_to_sign(dsn: str, owner: str, _: Collection[str]) -> Waiting:
    """Events that this checkpointer should sign: it holds the lease."""
    async with _connected(dsn, "checkpointer") as connection:
        row = await connection.fetchrow(Q["signer"])
    assert row is not None
    if row["owner"] != owner or row["signed"] >= row["position"]:
        return {}
    return {"signed": f"signed up to {row['signed']} of {row['position']}"}


async def events_to_publish(dsn: str, bootstrap: str, owner: str, _: Collection[str]) -> Waiting:
    """Events that this relay should publish: it holds the lease, and Kafka answers."""
    async with _connected(dsn, "relay") as connection:
        row = await connection.fetchrow(Q["relay"])
    assert row is not None
    if row["owner"] != owner or row["confirmed_position"] >= row["position"]:
        return {}
    await answers(bootstrap)
    return {"published": f"published up to {row['confirmed_position']} of {row['position']}"}


async def events_to_project(dsn: str, _: Collection[str]) -> Waiting:
    """Read models that are behind; the checkpoint is part of the name, as others move it too."""
    async with _connected(dsn, "projector") as connection:
        rows = await connection.fetch(Q["projections"])
    return {
        f"{row['name']} at {row['checkpoint']}": (
            f"{row['name']} stands at {row['checkpoint']} of {row['position']}"
        )
        for row in rows
    }


async def timers_to_send(dsn: str, bootstrap: str, _: Collection[str]) -> Waiting:
    """Deadlines that have come and are not held back because clocks disagree."""
    async with _connected(dsn, "scheduler") as connection:
        row = await connection.fetchrow(Q["timers"], SystemClock().now(), DISAGREEMENT_S)
    assert row is not None
    if not row["count"] or not row["is_sure"]:
        return {}
    await answers(bootstrap)
    return {"sent": f"{row['count']} deadlines have come and none is sent"}
