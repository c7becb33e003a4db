"""`danbao migrate`: tables and topics for this version, before its processes start."""

from dataclasses import replace
from enum import StrEnum
from typing import Annotated

import typer

from danbao.cli.connect import known_addresses
from danbao.cli.exits import UNAVAILABLE, fail, running, settings
from danbao.engine.engine import set_up
from danbao.kernel.settings import Settings


class Phase(StrEnum):
    """When a migration may be applied."""

    PRE = "pre"
    POST = "post"


def migrate(
    phase: Annotated[
        Phase, typer.Option(help="pre: the version before goes on; post: it has gone.")
    ] = Phase.POST,
) -> None:
    """Bring tables and topics to what this version needs; may be repeated.

    `--phase pre` before new processes start, `--phase post` when no older one is left. On one
    machine `danbao up` does both.

    Example: danbao migrate --phase pre
    """
    chosen = settings()
    addresses = known_addresses(chosen)
    if not (addresses.postgres_dsn and addresses.kafka_bootstrap):
        todo = "Set DANBAO_POSTGRES_DSN and DANBAO_KAFKA_BOOTSTRAP."
        fail("the servers' addresses are not known", UNAVAILABLE, todo)
    chosen = replace(
        chosen, postgres_dsn=addresses.postgres_dsn, kafka_bootstrap=addresses.kafka_bootstrap
    )
    running(lambda: _migrate(chosen, phase))


async def _migrate(chosen: Settings, phase: Phase) -> int:
    await set_up(chosen, typer.echo, with_post=phase is Phase.POST)
    typer.echo("tables and topics are as this version needs them")
    return 0
