"""`danbao summary`: what the engine did and where all the money is."""

from typing import Annotated

import typer
from rich.console import Console

from danbao.cli.connect import postgres_address, reader, run
from danbao.cli.exits import REFUSED
from danbao.cli.format import json_text, page
from danbao.cli.summary_figures import Summary, read_summary
from danbao.cli.summary_tables import summary_json, summary_tables

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def summary(json: Json = False) -> None:
    """Show trades, refusals, the books, the reserve equation, payouts and what is still held.

    Status 1 when the books do not balance.

    Example: danbao summary --json
    """
    found = run(_read(postgres_address()))
    if json:
        typer.echo(json_text(summary_json(found)))
    else:
        show_summary(found, page())
    if not found.is_balanced:
        raise typer.Exit(REFUSED)


async def _read(dsn: str) -> Summary:
    async with reader(dsn) as connection:
        return await read_summary(connection)


def show_summary(found: Summary, console: Console) -> None:
    """Print all tables."""
    for table in summary_tables(found):
        console.print(table)
