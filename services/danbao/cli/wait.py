"""`danbao wait`: return when nothing is in flight."""

import asyncio
import time
from typing import Annotated

import typer
import uvloop

from danbao.cli.exits import REFUSED, engine_here, fail, running, settings
from danbao.engine.idle import what_moves
from danbao.engine.record import EngineRecord
from danbao.kernel.postgres.connection import PATIENT, connect

LOOK_EVERY_S = 0.2


def wait(
    idle: Annotated[bool, typer.Option("--idle", help="No lag anywhere, no timer due.")] = True,
    within: Annotated[float, typer.Option("--timeout", help="Seconds to wait at most.")] = 300.0,
) -> None:
    """Wait until the engine has nothing in flight.

    Example: danbao wait --idle --timeout 60
    """
    del idle
    running(lambda: _wait(within))


async def _wait(within: float) -> int:
    chosen = settings()
    dsn, bootstrap, partitions = chosen.postgres_dsn, chosen.kafka_bootstrap, chosen.partitions
    if not (dsn and bootstrap):
        record = engine_here(chosen)
        dsn, bootstrap = dsn or record.postgres_dsn, bootstrap or record.kafka_bootstrap
        partitions = record.partitions
    await _until_idle(dsn, bootstrap, partitions, within)
    typer.echo("idle")
    return 0


def wait_idle(record: EngineRecord, within: float) -> None:
    """Return when an engine has nothing in flight; ends the command when that takes too long."""
    uvloop.run(_until_idle(record.postgres_dsn, record.kafka_bootstrap, record.partitions, within))


async def _until_idle(dsn: str, bootstrap: str, partitions: int, within: float) -> None:
    connection = await connect(dsn, purpose="wait", session=PATIENT)
    deadline = time.monotonic() + within
    try:
        while moving := await what_moves(connection, bootstrap, partitions):
            if time.monotonic() > deadline:
                fail(f"still in flight: {', '.join(moving)}", REFUSED)
            await asyncio.sleep(LOOK_EVERY_S)
    finally:
        await connection.close()
