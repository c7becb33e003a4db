"""Processes of a fleet behind a proxy: started anew with its address, and afterwards without it."""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from tests.faults.fleet import Fleet
from tests.faults.proxy import Proxy
from tests.faults.supervised import supervise

NO_TLS = "?sslmode=disable"
RESTARTED = "ended as stuck, started anew"


def proxied_dsn(dsn: str, proxy: Proxy) -> str:
    """The address of Postgres through a proxy, in clear text, so that it sees messages."""
    login, place = dsn.rsplit("@", 1)
    return f"{login}@{proxy.address}/{place.split('/', 1)[1]}{NO_TLS}"


@asynccontextmanager
async def behind_kafka(fleet: Fleet, proxy: Proxy, *kinds: str) -> AsyncIterator[Proxy]:
    """Put the first process of these kinds behind a proxy to Kafka."""
    async with proxy, _renewed(fleet, proxy, kinds, {"kafka_bootstrap": proxy.address}):
        yield proxy


@asynccontextmanager
async def behind_postgres(fleet: Fleet, proxy: Proxy, *kinds: str) -> AsyncIterator[Proxy]:
    """Put the first process of these kinds behind a proxy to Postgres."""
    async with proxy:
        through = {"postgres_dsn": proxied_dsn(fleet.settings.postgres_dsn, proxy)}
        async with _renewed(fleet, proxy, kinds, through):
            yield proxy


@asynccontextmanager
async def _renewed(
    fleet: Fleet, proxy: Proxy, kinds: tuple[str, ...], through: Mapping[str, str]
) -> AsyncIterator[None]:
    await _start(fleet, kinds, through)

    def note(_: str) -> None:
        proxy.did[RESTARTED] += 1

    supervising = asyncio.create_task(supervise(fleet, kinds, through, note))
    try:
        yield
    finally:
        supervising.cancel()
        await asyncio.wait({supervising})
        proxy.mend()
        await _start(fleet, kinds, {})


async def _start(fleet: Fleet, kinds: tuple[str, ...], settings: Mapping[str, str]) -> None:
    """Start these anew, side by side."""
    for kind in kinds:
        name = f"{kind}-0"
        if name in fleet.members:
            fleet.members[name].send(signal.SIGCONT)
            await fleet.end(name)
        fleet.spawn(kind, **settings)
    for kind in kinds:
        await fleet.members[f"{kind}-0"].wait_started()
