"""`danbao trade`: the whole story of one trade."""

from typing import Annotated

import typer

from danbao.cli.connect import postgres_address, reader, run
from danbao.cli.exits import REFUSED, fail
from danbao.cli.format import json_text, page
from danbao.cli.trade_story import Story, read_story
from danbao.cli.trade_tables import story_json, story_tables

TradeId = Annotated[str, typer.Argument(metavar="TRADE", help="The trade's id.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def trade(trade_id: TradeId, json: Json = False) -> None:
    """Show the whole story of a trade: state, events with causes, money, deadlines, refusals.

    Example: danbao trade T-1
    """
    story = run(_read(postgres_address(), trade_id))
    if not story.is_known:
        others = len(story.events)
        hint = f"; its flow has other events ({others}): danbao log --flow {trade_id}"
        fail(f"there is no trade {trade_id}{hint if others else ''}", REFUSED)
    if json:
        typer.echo(json_text(story_json(story)))
        return
    console = page()
    for table in story_tables(story):
        console.print(table)


async def _read(dsn: str, trade_id: str) -> Story:
    async with reader(dsn) as connection:
        return await read_story(connection, trade_id)
