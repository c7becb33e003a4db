"""Pages of accounts for people, as JSON and as CSV; entries are shown as they are read."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import asdict, dataclass

import typer

from danbao.analysis.account_page import AccountEntry, AccountPage
from danbao.cli.format import (
    amount_text,
    json_text,
    money_text,
    page,
    plain_table,
    short_type,
    time_text,
    write_csv,
)
from danbao.cli.moments import span_text

COLUMNS = (
    "account", "currency", "position", "recorded_at", "type", "flow", "counter_account",
    "debit_minor", "credit_minor", "balance_minor",
)  # fmt: skip

CSV_CHUNK = 1_000
"""Rows written at once."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How pages are shown; without a limit all entries are."""

    json: bool
    csv: bool
    limit: int | None


Walk = tuple[AccountPage, AsyncIterator[AccountEntry]]


async def show_account(pages: Sequence[Walk], shown: Shown) -> None:
    """Show each page with its entries."""
    if shown.csv:
        write_csv(COLUMNS, ())
    for found, walk in pages:
        entries: list[AccountEntry] = []
        following = None
        async for entry in walk:
            if len(entries) == shown.limit:
                following = entry.position
                break
            entries.append(entry)
            if shown.csv and len(entries) == CSV_CHUNK and shown.limit is None:
                write_csv((), _csv_rows(found, entries))
                entries = []
        if shown.csv:
            write_csv((), _csv_rows(found, entries))
        elif shown.json:
            typer.echo(json_text(_page_json(found, entries, following)))
        else:
            _print(found, entries, following)


def _csv_rows(found: AccountPage, entries: Iterable[AccountEntry]) -> Iterable[Sequence[object]]:
    for entry in entries:
        yield (found.account, found.currency, *asdict(entry).values())


def _page_json(
    found: AccountPage, entries: Iterable[AccountEntry], following: int | None
) -> dict[str, object]:
    return {
        "account": found.account,
        "currency": found.currency,
        "from": found.span.after + 1,
        "to": found.span.upto,
        "opening_minor": found.opening_minor,
        "entries": [asdict(entry) for entry in entries],
        "next_position": following,
        "closing_minor": found.closing_minor,
    }


def _print(found: AccountPage, entries: Sequence[AccountEntry], following: int | None) -> None:
    code = found.currency
    columns = ("position", "time", "event", "flow", "counter-account", "debit", "credit", "balance")
    table = plain_table(*columns, right=("position", "debit", "credit", "balance"))
    table.add_row("", "", "opening", "", "", "", "", amount_text(found.opening_minor, code))
    for entry in entries:
        both = (entry.debit_minor, entry.credit_minor)
        table.add_row(
            str(entry.position),
            time_text(entry.recorded_at),
            short_type(entry.type),
            entry.flow,
            entry.counter_account,
            *(amount_text(minor, code) if minor else "" for minor in both),
            amount_text(entry.balance_minor, code),
        )
    console = page()
    console.print(f"{found.account} in {code}, {span_text(found.span)}")
    console.print(table)
    if following is not None:
        console.print(f"there is more: go on with --from {following}, or give --limit")
    console.print(f"closing balance {money_text(found.closing_minor, code)}")
