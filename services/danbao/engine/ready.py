"""Ready means: each partition is claimed by a worker that found it to be the one read before."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Iterable
from typing import Final, TypeAlias

import asyncpg

from danbao.app import SERVICES, TOPICS_READ
from danbao.kernel.sql import load_queries

Q = load_queries("danbao.engine", "idle.sql")

Claims: TypeAlias = dict[tuple[str, str, int], int]
"""Epoch by service, topic and partition."""
ANSWER_WITHIN_S: Final = 3


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


async def all_say_so(urls: Iterable[str]) -> bool:
    """Tell whether each process says at its address that it is ready."""
    return not any(await asyncio.gather(*(asyncio.to_thread(unready, url) for url in urls)))


def unready(url: str) -> list[str]:
    """Give the reasons for which a process is not ready, as it says itself."""
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=ANSWER_WITHIN_S):  # noqa: S310 - ours
            return []
    except urllib.error.HTTPError as error:
        with error:
            return list(json.load(error)["reasons"])
    except (OSError, ValueError) as error:
        return [f"does not answer at {url}: {error}"]
