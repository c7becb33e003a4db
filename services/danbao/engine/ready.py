"""Ready means: every partition of every topic is claimed by a worker of this start."""

from typing import TypeAlias

import asyncpg

from danbao.app import SERVICES, TOPICS_READ
from danbao.kernel.sql import load_queries

Q = load_queries("danbao.engine", "idle.sql")

Claims: TypeAlias = dict[tuple[str, str, int], int]
"""Epoch by service, topic and partition."""


async def read_claims(connection: asyncpg.Connection) -> Claims:
    """Read who has claimed what, as epochs."""
    rows = await connection.fetch(Q["claims"])
    return {(row["service"], row["topic"], row["partition"]): row["epoch"] for row in rows}


async def is_ready(connection: asyncpg.Connection, before: Claims, partitions: int) -> bool:
    """Tell whether all was claimed since `before`, and a relay and read models are at work."""
    claims = await read_claims(connection)
    claimed = all(
        claims.get(place, 0) > before.get(place, 0)
        for service in SERVICES
        for topic in TOPICS_READ[service]
        for place in ((service, topic, partition) for partition in range(partitions))
    )
    if not claimed:
        return False
    return bool(await connection.fetchval(Q["helpers_at_work"]))
