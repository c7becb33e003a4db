"""`danbao dead-letters`: records that could not be handled, each with its reason."""

import json as json_reader
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import asyncpg
import typer
from rich.table import Table

from danbao.cli.connect import postgres_address, reader, run
from danbao.cli.exits import REFUSED, fail
from danbao.cli.format import json_text, page, plain_table, safe_text, short_text, time_text
from danbao.kernel.records import time_text as json_time
from danbao.kernel.sql import load_queries

DETAIL_CELLS = 60

Q = load_queries("danbao.cli", "dead_letters.sql")
app = typer.Typer()

Limit = Annotated[int, typer.Option(min=1, help="At most so many, the newest first.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Service = Annotated[str | None, typer.Option(help="Only letters of this service.")]
Reason = Annotated[str | None, typer.Option(help="Only letters with this reason.")]
Flow = Annotated[str | None, typer.Option(help="Only letters of this flow, such as a trade id.")]
Settled = Annotated[bool, typer.Option("--all", help="Also those retried or discarded.")]


@app.callback(invoke_without_command=True)
def dead_letters(context: typer.Context, limit: Limit = 50, json: Json = False) -> None:
    """Show the records that were set aside because they could not be handled, and why.

    A dead letter of a command holds nothing back; one of an event holds back its flow.

    Example: danbao dead-letters --limit 10

    Example: danbao dead-letters show 7

    Example: danbao dead-letters retry --flow T-1
    """
    if context.invoked_subcommand is None:
        _list(limit, json, (False, None, None, None))


@app.command("list")
def list_letters(
    *,
    service: Service = None,
    reason: Reason = None,
    flow: Flow = None,
    limit: Limit = 50,
    settled: Settled = False,
    json: Json = False,
) -> None:
    """List dead letters that wait for somebody, the newest first, with a count by reason.

    Example: danbao dead-letters list --service escrow --reason event_failed
    """
    _list(limit, json, (settled, service, reason, flow))


def _list(limit: int, json: bool, filters: tuple[object, ...]) -> None:
    reasons, rows = run(_read(postgres_address(), limit, filters))
    if json:
        letters = [place_json(row) for row in rows]
        typer.echo(json_text({"reasons": [dict(row) for row in reasons], "newest": letters}))
        return
    if not rows:
        typer.echo("no dead letters")
        return
    console = page()
    console.print(reasons_table("Reasons", [dict(row) for row in reasons]))
    newest = plain_table("id", "time", "place", "flow", "reason", "state", "detail", title="Newest")
    for row in rows:
        newest.add_row(
            str(row["id"]),
            time_text(row["received_at"]),
            f"{row['topic']}/{row['partition']}@{row['record_offset']}",
            safe_text(row["partition_key"] or "-"),
            row["reason"],
            row["state"],
            short_text(safe_text(row["detail"]), DETAIL_CELLS),
        )
    console.print(newest)


def reasons_table(title: str, reasons: Sequence[Mapping[str, Any]]) -> Table:
    """How many letters each service has, by reason."""
    counts = plain_table("service", "reason", "count", title=title, right=("count",))
    for row in reasons:
        counts.add_row(row["service"], row["reason"], f"{row['count']:,}")
    return counts


@app.command()
def show(
    letter: Annotated[int, typer.Argument(metavar="ID", help="The dead letter's number.")],
    json: Json = False,
) -> None:
    """Show one dead letter: its headers, key and value, as far as they are readable.

    Example: danbao dead-letters show 7
    """
    row = run(_read_one(postgres_address(), letter))
    if row is None:
        fail(f"there is no dead letter {letter}", REFUSED)
    headers = [(name, b64decode(text)) for name, text in json_reader.loads(row["headers"])]
    if json:
        parts: dict[str, Any] = {name: _part(row[name]) for name in ("key", "value")}
        parts["headers"] = [{"name": name} | (_part(value) or {}) for name, value in headers]
        typer.echo(json_text(place_json(row) | parts))
        return
    typer.echo(f"dead letter {row['id']} of {row['service']}, {time_text(row['received_at'])}")
    typer.echo(f"place    {row['topic']}/{row['partition']} offset {row['record_offset']}")
    typer.echo(f"flow     {safe_text(row['partition_key'] or '-')}")
    typer.echo(f"reason   {row['reason']}: {safe_text(row['detail'])}")
    typer.echo(f"state    {state_text(row)}")
    for name, value in headers:
        typer.echo(f"header   {readable(name.encode())}: {readable(value)}")
    typer.echo(f"key      {readable(row['key'])}")
    typer.echo(f"value    {readable(row['value'])}")


async def _read(
    dsn: str, limit: int, filters: tuple[object, ...]
) -> tuple[list[asyncpg.Record], list[asyncpg.Record]]:
    async with reader(dsn) as connection:
        reasons = await connection.fetch(Q["reasons"], *filters)
        return reasons, await connection.fetch(Q["newest"], *filters, limit)


async def _read_one(dsn: str, letter: int) -> asyncpg.Record | None:
    async with reader(dsn) as connection:
        return await connection.fetchrow(Q["one"], letter)


def readable(value: bytes | None) -> str:
    """Bytes for people: their text; what is no text, or would move the cursor, escaped."""
    if value is None:
        return "(none)"
    return safe_text(value.decode(errors="backslashreplace"))


def state_text(row: asyncpg.Record) -> str:
    """What became of a letter so far."""
    if row["state"] == "discarded":
        by, why = safe_text(row["discarded_by"]), safe_text(row["discarded_why"])
        return f"discarded by {by} at {time_text(row['settled_at'])}: {why}"
    tried = f", tried {row['tries']} times" if row["tries"] else ""
    return f"{row['state']}{tried}"


def _part(value: bytes | None) -> dict[str, str] | None:
    """Bytes for programs: as text when they are text, and exactly, in base64."""
    if value is None:
        return None
    exact = {"base64": b64encode(value).decode()}
    try:
        return {"text": value.decode()} | exact
    except UnicodeDecodeError:
        return exact


def place_json(row: asyncpg.Record) -> dict[str, Any]:
    """What is known about a letter without opening it."""
    names = ("id", "service", "topic", "partition", "record_offset", "partition_key")
    known: dict[str, Any] = {name: row[name] for name in (*names, "reason", "detail")}
    known |= {name: row[name] for name in ("state", "tries", "discarded_by", "discarded_why")}
    return known | {"received_at": json_time(row["received_at"])}
