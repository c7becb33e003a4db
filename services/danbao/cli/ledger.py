"""`danbao ledger`: the books as of any position or time."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import asyncpg
import typer

from danbao.analysis.account_page import account_pages, entries
from danbao.analysis.balances import lines_as_of
from danbao.analysis.closings import Checked, check_closings, closing_positions
from danbao.analysis.moments import Place, Span, place_at, span_of
from danbao.analysis.statement import Statement, read_statement
from danbao.cli.books_tables import currencies, equation_table, trial_balance_table
from danbao.cli.connect import postgres_address, reader, run
from danbao.cli.exits import REFUSED, WRONG_USE, fail
from danbao.cli.format import json_text, page, write_csv
from danbao.cli.ledger_pages import Shown, show_account
from danbao.cli.ledger_tables import (
    coverage_table,
    mirror_table,
    reserve_csv,
    reserve_json,
    statement_csv,
    statement_json,
    statement_tables,
    trial_balance_csv,
    trial_balance_json,
)
from danbao.cli.moments import At, Since, Until, moment, place_text, span_text
from danbao.cli.progress import progress_bar
from danbao.ledger.books import BookLine, equations, trial_totals
from danbao.ledger.checks import coverages, mirrors

app = typer.Typer(
    help="The books as of any position or time: trial balance, reserve, accounts, statements.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV for spreadsheets.")]
Fold = Annotated[
    bool,
    typer.Option("--fold", help="Add everything up from the first event, trusting no closing."),
]
ENTRIES_SHOWN = 100
"""Entries shown to a person who gave no --limit."""


@app.command("trial-balance")
def trial_balance(at: At = None, fold: Fold = False, json: Json = False, csv: Csv = False) -> None:
    """Balances of all accounts by class and currency; debits equal credits in every book.

    Status 1 when they do not.

    Example: danbao ledger trial-balance --at 2026-11-24
    """
    place, lines = _lines(at, fold)
    totals = trial_totals(lines)
    if _is_json(json, csv):
        typer.echo(json_text(trial_balance_json(place, lines)))
    elif csv:
        write_csv(*trial_balance_csv(lines))
    else:
        console = page()
        console.print(place_text(place))
        for currency in currencies(lines):
            console.print(trial_balance_table(lines, currency))
    if not all(total.is_balanced for total in totals):
        raise typer.Exit(REFUSED)


@app.command()
def reserve(at: At = None, fold: Fold = False, json: Json = False, csv: Csv = False) -> None:
    """The reserve: what is there is what is owed; customers are covered; the books agree.

    Status 1 when one of the three does not hold.

    Example: danbao ledger reserve --at 2026-11-24T12:00:00Z
    """
    place, lines = _lines(at, fold)
    if _is_json(json, csv):
        typer.echo(json_text(reserve_json(place, lines)))
    elif csv:
        write_csv(*reserve_csv(lines))
    else:
        console = page()
        console.print(place_text(place))
        for equation in equations(lines):
            console.print(equation_table(equation))
        for coverage in coverages(lines):
            console.print(coverage_table(coverage))
        if found := mirrors(lines):
            console.print(mirror_table(found))
    holds = [each.is_balanced for each in equations(lines)]
    holds += [each.holds for each in coverages(lines)] + [each.holds for each in mirrors(lines)]
    if not all(holds):
        raise typer.Exit(REFUSED)


@app.command()
def account(
    account: Annotated[str, typer.Argument(help="An account, such as R.CUST.B-1.AVAILABLE.")],
    since: Since = None,
    until: Until = None,
    at: At = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help=f"Entries at most; {ENTRIES_SHOWN} unless given, all with --csv."),
    ] = None,
    json: Json = False,
    csv: Csv = False,
) -> None:
    """One account: opening balance, entries, closing balance, in each currency.

    With --json or --csv all entries are given, unless --limit says how many.

    Example: danbao ledger account R.MPEND.S-1 --from 2026-11-24
    """
    is_json = _is_json(json, csv)
    shown = Shown(is_json, csv, limit if json or csv else limit or ENTRIES_SHOWN)
    run(_account(postgres_address(), account, _until(since, until, at), shown))


@app.command()
def statement(
    merchant: Annotated[str, typer.Argument(help="A merchant's account id.")],
    since: Since = None,
    until: Until = None,
    at: At = None,
    json: Json = False,
    csv: Csv = False,
) -> None:
    """What a merchant was credited, charged and paid (对账单).

    Example: danbao ledger statement S-1 --from 2026-11-01 --to 2026-11-30
    """
    is_json = _is_json(json, csv)
    found = run(_statement(postgres_address(), merchant, _until(since, until, at)))
    if is_json:
        typer.echo(json_text(statement_json(found)))
    elif csv:
        write_csv(*statement_csv(found))
    else:
        console = page()
        console.print(f"merchant {merchant}, {span_text(found.span)}")
        for table in statement_tables(found):
            console.print(table)


@app.command()
def check(json: Json = False) -> None:
    """Fold the log again and compare it with everything that the closings say.

    Status 1 when they differ, with the first accounts that do.

    Example: danbao ledger check
    """
    found = run(_check(postgres_address()))
    if json:
        typer.echo(json_text(asdict(found)))
    else:
        for problem in found.problems:
            typer.echo(problem)
        verdict = "NOT what the log adds up to" if found.problems else "as the log adds up"
        typer.echo(f"{found.closings:,} closings up to position {found.position:,}: {verdict}")
    if found.problems:
        raise typer.Exit(REFUSED)


Moments = tuple[str | None, str | None]


def _until(since: str | None, until: str | None, at: str | None) -> Moments:
    if until is not None and at is not None:
        raise typer.BadParameter("--at and --to say the same: give one", param_hint="--at")
    moment(since, "--from")
    moment(until, "--to")
    moment(at, "--at")
    return since, until or at


def _is_json(json: bool, csv: bool) -> bool:
    if json and csv:
        fail("--json and --csv exclude each other", WRONG_USE)
    return json


def _lines(at: str | None, fold: bool) -> tuple[Place, Sequence[BookLine]]:
    wanted = moment(at, "--at")

    async def read(dsn: str) -> tuple[Place, Sequence[BookLine]]:
        async with reader(dsn) as connection:
            place = await place_at(connection, wanted)
            return place, await lines_as_of(connection, place.position, fold=fold)

    return run(read(postgres_address()))


async def _span(connection: asyncpg.Connection, moments: Moments) -> Span:
    first, last = moments
    return await span_of(connection, moment(first, "--from"), moment(last, "--to"))


async def _account(dsn: str, account: str, moments: Moments, shown: Shown) -> None:
    async with reader(dsn) as connection:
        span = await _span(connection, moments)
        found = await account_pages(connection, account, span)
        await show_account([(each, entries(connection, each)) for each in found], shown)


async def _check(dsn: str) -> Checked:
    async with reader(dsn) as connection:
        closings = await closing_positions(connection)
        with progress_bar("positions", closings[-1] if closings else 0) as report:
            return await check_closings(connection, closings, report)


async def _statement(dsn: str, merchant: str, moments: Moments) -> Statement:
    async with reader(dsn) as connection:
        return await read_statement(connection, merchant, await _span(connection, moments))
