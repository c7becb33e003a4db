"""`danbao backup` and `danbao restore`: the log and all that stands beside it, in one folder."""

from pathlib import Path
from typing import Annotated, Any

import typer

from danbao.cli.exits import running, settings
from danbao.cli.format import json_text
from danbao.cli.stopped import postgres_here, say, without_kafka
from danbao.kernel.settings import Settings
from danbao.recovery.backup import back_up
from danbao.recovery.quiet import stopped_engine
from danbao.recovery.restore import restore_checked

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
    async with postgres_here(chosen) as dsn:
        _show("backed up", await back_up(dsn, folder), json=json)
    return 0


async def _restore(chosen: Settings, folder: Path, *, json: bool) -> int:
    async with stopped_engine(without_kafka(chosen), say) as found:
        _show("restored", await restore_checked(found.postgres_dsn, folder), json=json)
    return 0


def _show(what: str, manifest: dict[str, Any], *, json: bool) -> None:
    if json:
        typer.echo(json_text(manifest))
        return
    rows = sum(manifest["rows"].values())
    typer.echo(f"{what} the log up to position {manifest['position']:,} ({rows:,} rows in all)")
    typer.echo(f"recorded at  {manifest['recorded_at']}")
    typer.echo(f"incarnation  {manifest['incarnation']}")
    typer.echo(f"last leaf    {manifest['leaf_hash'] or '-'}")
