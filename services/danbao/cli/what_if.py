"""`danbao what-if`: history decided again with other policies."""

import gc
import sys
from pathlib import Path
from typing import Annotated

import typer

from danbao.analysis.moments import span_of
from danbao.app import GC_THRESHOLDS, SERVICES
from danbao.cli.connect import postgres_address, reader, run
from danbao.cli.exits import WRONG_USE, fail
from danbao.cli.format import json_text, page, write_csv
from danbao.cli.moments import Since, Until, moment
from danbao.cli.progress import progress_bar
from danbao.cli.what_if_tables import COLUMNS, Found, csv_rows, found_json, found_page
from danbao.whatif.difference import Difference, NotRedecided
from danbao.whatif.errors import PolicyFileError
from danbao.whatif.policies import Policies, read_policies
from danbao.whatif.postgres_history import PostgresHistory
from danbao.whatif.walk import WhatIf

LISTED = 20
LISTED_JSON = 1_000
"""Decisions listed unless --limit says how many; totals count all."""


def what_if(
    policy: Annotated[
        Path,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="JSON file: {policy, body}, or a list of such; what a body leaves out has its "
            "default, as when it is published.",
        ),
    ],
    since: Since = None,
    until: Until = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=0,
            help=f"Decisions listed at most: {LISTED} unless given, {LISTED_JSON:,} with --json, "
            "all with --csv.  Totals count all.",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print one line for each difference.")] = False,
) -> None:
    """Decide history again with other fees, limits, deadlines or rules; show what would differ.

    Every command and reaction of the stretch is decided on the states, facts and balances of its
    own moment; only the policies are exchanged.  First-order: nothing follows from a decision that
    would differ.  Nothing is changed.

    Example: danbao what-if --policy fee.json --from 2026-11-01 --to 2026-11-30
    """
    if json and csv:
        fail("--json and --csv exclude each other", WRONG_USE)
    try:
        policies = read_policies(policy.read_bytes())
    except PolicyFileError as error:
        fail(f"{error.code}: {policy}: {error}", WRONG_USE, error.todo)
    moment(since, "--from")
    moment(until, "--to")
    if limit is None:
        limit = LISTED_JSON if json else LISTED
    found = Found(policies, sys.maxsize if csv else limit)
    run(_ask(postgres_address(), policies, (since, until), found, csv=csv))
    if json:
        typer.echo(json_text(found_json(found)))
    elif not csv:
        console = page()
        for part in found_page(found):
            console.print(part)


async def _ask(
    dsn: str, policies: Policies, moments: tuple[str | None, str | None], found: Found, *, csv: bool
) -> None:
    def tell(each: Difference | NotRedecided) -> None:
        if csv:
            write_csv((), csv_rows(each))
        else:
            found.take(each)

    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    first, last = moments
    async with reader(dsn) as ahead, reader(dsn) as connection:
        found.span = await span_of(connection, moment(first, "--from"), moment(last, "--to"))
        if csv:
            write_csv(COLUMNS, ())
        question = WhatIf(PostgresHistory(ahead, connection), SERVICES, policies, tell)
        with progress_bar("events", found.span.count) as report:
            after, upto = found.span.after, found.span.upto
            found.answer = await question.ask(
                after, upto, lambda position: report(position - after)
            )
