"""`danbao backup` and `danbao restore`: the log and all that stands beside it, in one folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from danbao.cli.connect import known_addresses
from danbao.cli.exits import running, settings
from danbao.cli.format import json_text
from danbao.cli.recover import say
from danbao.kernel.settings import Settings
from danbao.recovery.backup import back_up
from danbao.recovery.quiet import stopped_engine
from danbao.recovery.restore import restore_checked

NO_KAFKA = "not:needed"

Json = Annotated[bool, typer.Option("--json", help="Print the manifest as JSON.")]


def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder for the backup.")],
    json: Json = False,
) -> None:
    """Back up Postgres into a folder; the engine may go on meanwhile.

    Example: danbao backup backups/monday
    """
    running(lambda: _backup(settings(), folder.absolute(), json=json))


def restore(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", exists=True, file_okay=False, help="A backup.")
    ],
    json: Json = False,
) -> None:
    """Restore a backup into an empty database; the engine must be stopped.

    When Kafka has lived on since, go on with `danbao recover postgres-older`: it brings back what
    was published after the backup.

    Example: danbao restore backups/monday
    """
    running(lambda: _restore(settings(), folder.absolute(), json=json))


async def _backup(chosen: Settings, folder: Path, *, json: bool) -> int:
    async with _postgres(chosen) as dsn:
        _show("backed up", await back_up(dsn, folder), json=json)
    return 0


async def _restore(chosen: Settings, folder: Path, *, json: bool) -> int:
    given = replace(chosen, kafka_bootstrap=chosen.kafka_bootstrap or NO_KAFKA)
    async with stopped_engine(given, say) as found:
        _show("restored", await restore_checked(found.postgres_dsn, folder), json=json)
    return 0


@asynccontextmanager
async def _postgres(chosen: Settings) -> AsyncIterator[str]:
    """The Postgres of the running engine, else a given one, else the home's own, started."""
    if dsn := known_addresses(chosen).postgres_dsn:
        yield dsn
        return
    given = replace(chosen, kafka_bootstrap=chosen.kafka_bootstrap or NO_KAFKA)
    async with stopped_engine(given, say) as found:
        yield found.postgres_dsn


def _show(what: str, manifest: dict[str, Any], *, json: bool) -> None:
    if json:
        typer.echo(json_text(manifest))
        return
    rows = sum(manifest["rows"].values())
    typer.echo(f"{what} the log up to position {manifest['position']:,} ({rows:,} rows in all)")
    typer.echo(f"recorded at  {manifest['recorded_at']}")
    typer.echo(f"incarnation  {manifest['incarnation']}")
    typer.echo(f"last leaf    {manifest['leaf_hash'] or '-'}")
