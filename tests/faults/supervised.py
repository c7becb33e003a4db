"""What the watch of a process ends is started anew, as `danbao up` does."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager

from tests.faults.fleet import LOOK_EVERY_S, Fleet

from danbao.watch.watch import EXIT_STUCK


@asynccontextmanager
async def supervised(fleet: Fleet) -> AsyncIterator[list[str]]:
    """Start anew the first process of each kind when it ends as stuck; gives their names."""
    names: list[str] = []
    kinds = {member.kind for member in fleet.members.values()}
    task = asyncio.create_task(supervise(fleet, kinds, {}, names.append))
    try:
        yield names
    finally:
        task.cancel()
        await asyncio.wait({task})


async def supervise(
    fleet: Fleet,
    kinds: Collection[str],
    settings: Mapping[str, str],
    note: Callable[[str], object],
) -> None:
    """Do so until cancelled; `note` hears each name."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        for kind in kinds:
            member = fleet.members.get(f"{kind}-0")
            if member is not None and member.process.poll() == EXIT_STUCK:
                note(member.name)
                fleet.forget(member)
                fleet.spawn(kind, **settings)
