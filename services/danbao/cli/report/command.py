"""`danbao report day`: one self-contained page."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from danbao.analysis.day import Day, read_day
from danbao.cli.connect import postgres_address, reader, run
from danbao.cli.exits import REFUSED, WRONG_USE, fail
from danbao.cli.extras import analysis_extra
from danbao.cli.format import json_text
from danbao.ledger.books import BookLine, equations

app = typer.Typer(
    help="Pages for people who look rather than read.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def _report() -> None:
    """Pages for people who look rather than read."""


@app.command("day")
def day(
    day: Annotated[str, typer.Argument(help="A date (UTC), such as 2026-11-24.")],
    html: Annotated[Path | None, typer.Option(help="Write the page into this file.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print every number as JSON.")] = False,
) -> None:
    """Make a page of a day: trades, volume, fees, refusals, merchants, the reserve over time.

    The file needs nothing else, not even a network; each number has the command that gives it.

    Example: danbao report day 2026-11-24 --html day.html
    """
    try:
        wanted = date.fromisoformat(day)
    except ValueError as error:
        raise typer.BadParameter(f"{day!r} is no date such as 2026-11-24") from error
    if html is None and not json:
        fail("say --html FILE or --json", WRONG_USE)
    found = run(_read(postgres_address(), wanted))
    if html is not None:
        _write(html, found)
    if json:
        typer.echo(json_text(day_json(found)))


async def _read(dsn: str, day: date) -> Day:
    async with reader(dsn) as connection:
        return await read_day(connection, day)


def _write(path: Path, found: Day) -> None:
    with analysis_extra():
        from danbao.cli.report.page import render_page  # noqa: PLC0415 - an extra, and slow
    text = render_page(found)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}", REFUSED)
    typer.echo(f"{found.span.count:,} events of {found.date} on {path}", err=True)


def day_json(found: Day) -> dict[str, Any]:
    """Every number of the page under stable names; amounts in minor units."""
    return {
        "date": found.date,
        "first_position": found.span.after + 1,
        "last_position": found.span.upto,
        "events": found.span.count,
        "funnel": found.funnel,
        "states": found.states,
        "minutes": int(found.width.total_seconds()) // 60,
        "points": [asdict(point) for point in found.points],
        "refusals": found.refusals,
        "declines": found.declines,
        "merchants": [asdict(line) for line in found.merchants],
        "reserve": [
            {"at": moment.at, "position": moment.position, "sums": _sums(moment.lines)}
            for moment in found.reserve
        ],
    }


def _sums(lines: Sequence[BookLine]) -> list[dict[str, object]]:
    return [
        {
            "currency": each.currency,
            "assets_minor": each.assets_minor,
            "liabilities_minor": each.liabilities_minor,
            "classes": {line.account_class: line.balance_minor for line in
                        (*each.assets, *each.liabilities)},
        }
        for each in equations(lines)
    ]  # fmt: skip
