"""`danbao sql`: a question in one line, over the archive and the read models."""

import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from danbao.cli.connect import postgres_address, reader, run
from danbao.cli.exits import REFUSED, WRONG_USE, fail
from danbao.cli.export import Folder, archive_folder
from danbao.cli.extras import analysis_extra
from danbao.cli.format import json_text, page, plain_table, safe_text, time_text, write_csv

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from danbao.archive.query import Questions

SHOWN_MAX = 200
"""Rows shown to a person."""


def sql(
    query: Annotated[str, typer.Argument(help="A statement of DuckDB; `-` reads it from stdin.")],
    folder: Folder = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on each line.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV for spreadsheets.")] = False,
) -> None:
    """Ask in SQL: `events` and `journal` of the archive, and every read model such as `trades`.

    `danbao export` makes the archive; read models are brought in from the engine when they are
    named.  It is DuckDB in memory: whatever the statement does, the engine does not notice.

    Example: danbao sql "SELECT state, count(*) FROM trades GROUP BY state"

    Example: danbao sql "SELECT day, sum(amount_minor) FROM journal WHERE debit = 'R.CB' GROUP BY 1"
    """
    if json and csv:
        fail("--json and --csv exclude each other", WRONG_USE)
    text = sys.stdin.read() if query == "-" else query
    answer = run(_ask(text, archive_folder(folder)))
    rows = [[_plain(value) for value in row.values()] for row in answer.to_pylist()]
    names = answer.column_names
    if json:
        for row in rows:
            typer.echo(json_text(dict(zip(names, row, strict=True))))
    elif csv:
        write_csv(names, rows)
    else:
        _show(names, rows)


async def _ask(text: str, folder: "Path") -> "pa.Table":
    with analysis_extra():
        from danbao.archive.manifest import read_manifest  # noqa: PLC0415 - an extra, and slow
        from danbao.archive.query import (  # noqa: PLC0415
            FROM_ARCHIVE,
            QueryError,
            Questions,
            mentioned,
        )
        from danbao.readmodels.models import READ_MODELS  # noqa: PLC0415
    questions = Questions()
    try:
        manifest = read_manifest(folder)
        if manifest is not None:
            questions.open_archive(folder, manifest)
        elif mentioned(text, FROM_ARCHIVE):
            fail(f"there is no archive in {folder}", REFUSED, "Make it with `danbao export`.")
        if mentioned(text, (model.name for model in READ_MODELS)):
            await _bring_models(questions, text)
        return questions.ask(text)
    except QueryError as error:
        fail(str(error), REFUSED)
    finally:
        questions.close()


async def _bring_models(questions: "Questions", text: str) -> None:
    """Fetch the read models that a query names."""
    from danbao.archive.models import known_models, read_model  # noqa: PLC0415 - an extra, and slow
    from danbao.archive.query import mentioned  # noqa: PLC0415

    async with reader(postgres_address()) as connection:
        known = {model.name: model for model in await known_models(connection)}
        for name in mentioned(text, known):
            questions.add_model(name, await read_model(connection, known[name]))


def _plain(value: object) -> object:
    """Turn what Arrow gives into what JSON, CSV and people read: sums are whole numbers."""
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        return value.hex()
    return value


def _show(names: list[str], rows: list[list[object]]) -> None:
    numeric = [
        name for place, name in enumerate(names) if rows and isinstance(rows[0][place], int | float)
    ]
    table = plain_table(*names, right=numeric)
    for row in rows[:SHOWN_MAX]:
        table.add_row(*map(_text, row))
    console = page()
    console.print(table)
    if len(rows) > SHOWN_MAX:
        console.print(f"{SHOWN_MAX} of {len(rows):,} rows; --json and --csv give all")


def _text(value: object) -> str:
    if value is None:
        return ""
    if hasattr(value, "hour"):
        return time_text(value)  # type: ignore[arg-type]  # a datetime
    return safe_text(str(value))
