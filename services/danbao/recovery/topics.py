"""Topics as Kafka has them: counting their partitions, and removing them for good."""

import asyncio
from collections.abc import Collection

from danbao.kernel.errors import UnavailableError
from danbao.kernel.kafka.clients import make_admin
from danbao.kernel.topics import declared_topics, described

GONE_WITHIN_S = 30
LOOK_AGAIN_S = 0.2


async def count_partitions(bootstrap: str) -> dict[str, int]:
    """How many partitions each of our topics has, of those that are there."""
    admin = make_admin(bootstrap, client_id="danbao-recovery")
    await admin.start()
    try:
        names = sorted(set(declared_topics()) & set(await admin.list_topics()))
        if not names:
            return {}
        return {each["topic"]: len(each["partitions"]) for each in await described(admin, names)}
    finally:
        await admin.close()


async def remove(bootstrap: str, names: Collection[str]) -> None:
    """Delete topics; returns when no broker lists them any more.

    Raises:
        UnavailableError: they do not go away.
    """
    if not names:
        return
    left = set(names)
    admin = make_admin(bootstrap, client_id="danbao-recovery")
    await admin.start()
    try:
        await admin.delete_topics(list(names))
        async with asyncio.timeout(GONE_WITHIN_S):
            while left := left & set(await admin.list_topics()):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(LOOK_AGAIN_S)
    except TimeoutError as error:
        raise UnavailableError(f"topics do not go away: {', '.join(sorted(left))}") from error
    finally:
        await admin.close()
