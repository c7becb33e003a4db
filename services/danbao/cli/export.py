"""`danbao export`: the log as a Parquet archive, kept up to date."""

import asyncio
import time
from pathlib import Path
from typing import Annotated

import typer

from danbao.analysis.moments import place_at
from danbao.cli.connect import postgres_address, reader, run
from danbao.cli.exits import REFUSED, settings
from danbao.cli.extras import analysis_extra
from danbao.cli.format import json_text
from danbao.cli.moments import Until, moment
from danbao.cli.progress import progress_bar

ARCHIVE = "archive"

Folder = Annotated[
    Path | None, typer.Option("--dir", help="Folder of the archive; DANBAO_HOME/archive if not.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def archive_folder(given: Path | None) -> Path:
    """Where the archive is."""
    return given if given is not None else settings().home.absolute() / ARCHIVE


def export(
    folder: Folder = None,
    until: Until = None,
    every: Annotated[
        float | None, typer.Option(min=1, help="Go on for ever, every so many seconds.")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check every byte and hash of it; no database needed.")
    ] = False,
    json: Json = False,
) -> None:
    """Bring the Parquet archive of the log up to date, or verify it.

    Files are partitioned by day (UTC), appear whole or not at all, and are named in a manifest
    without gaps; after a kill the next run goes on.

    Example: danbao export

    Example: danbao export --verify
    """
    place = archive_folder(folder)
    if verify:
        run(_verify(place, json=json))
        return
    moment(until, "--to")
    run(_export(postgres_address(), place, until, every, json))


async def _export(
    dsn: str, folder: Path, until: str | None, every: float | None, json: bool
) -> None:
    with analysis_extra():
        from danbao.archive.export import export as bring_up  # noqa: PLC0415 - an extra, and slow
        from danbao.archive.manifest import read_manifest  # noqa: PLC0415
    async with reader(dsn) as connection:
        while True:
            upto = (await place_at(connection, moment(until, "--to"))).position
            before = read_manifest(folder)
            begin, rows = (before.upto, before.rows) if before else (0, 0)
            begun = time.monotonic()
            typer.echo(f"{max(0, upto - begin):,} events to export to {folder}", err=True)
            with progress_bar("events", max(upto, begin)) as report:
                after = await bring_up(connection, folder, upto, report=report)
            seconds = time.monotonic() - begun
            figures = {
                "folder": str(folder),
                "position": after.upto,
                "files": len(after.files),
                "rows": after.rows,
                "new_rows": after.rows - rows,
                "bytes": sum(file.bytes for file in after.files),
                "seconds": seconds,
            }
            words = (
                f"{after.rows - rows:,} events in {seconds:.1f} s; the archive has {after.rows:,} "
                f"events in {len(after.files):,} files, up to position {after.upto:,}"
            )
            typer.echo(json_text(figures) if json else words)
            if every is None:
                return
            await asyncio.sleep(every)


async def _verify(folder: Path, *, json: bool) -> None:
    with analysis_extra():
        from danbao.archive.manifest import read_manifest  # noqa: PLC0415 - an extra, and slow
        from danbao.archive.verify import verify_archive  # noqa: PLC0415
    known = read_manifest(folder)
    with progress_bar("verifying", known.rows if known else 0) as report:
        found = verify_archive(folder, report)
    if json:
        typer.echo(json_text({"rows": found.rows, "problems": found.problems}))
    else:
        for problem in found.problems:
            typer.echo(problem)
        verdict = "NOT as it was written" if found.problems else "every hash is right"
        typer.echo(f"{found.rows:,} events in {len(found.manifest.files):,} files: {verdict}")
    if found.problems:
        raise typer.Exit(REFUSED)
