"""How the commands show money, times, text and JSON: one way for all of them."""

import csv
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache

import iso4217
import msgspec
from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console, JustifyMethod
from rich.table import Table

ELLIPSIS = "…"
PAGE_CELLS = 120
"""Width of what does not go to a terminal."""
WHOLE = ("time", "amount", "debit", "credit", "balance", "held", "currency", "command", "payment")
"""Columns that are never wrapped when there is little room."""

_encode = msgspec.json.Encoder(order="deterministic").encode


@cache
def minor_digits(currency: str) -> int:
    """How many digits of an amount are minor units, by ISO 4217: 2 for CNY, 0 for JPY."""
    try:
        return iso4217.Currency(currency).exponent or 0
    except ValueError:
        return 0


def amount_text(minor: int, currency: str) -> str:
    """An amount without its currency, `1,234.56`."""
    digits = minor_digits(currency)
    whole, rest = divmod(abs(minor), 10**digits)
    sign = "-" if minor < 0 else ""
    return f"{sign}{whole:,}.{rest:0{digits}d}" if digits else f"{sign}{whole:,}"


def money_text(minor: int, currency: str) -> str:
    """An amount with its currency, `1,234.56 CNY`."""
    return f"{amount_text(minor, currency)} {currency}"


def count_text(count: int, noun: str) -> str:
    """A number with its noun, `1 flow`, `2 flows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def time_text(at: datetime | None) -> str:
    """A time for people, in UTC to the millisecond; `-` for none."""
    return (
        "-" if at is None else at.strftime("%Y-%m-%d %H:%M:%S.") + f"{at.microsecond // 1000:03d}"
    )


def safe_text(text: str) -> str:
    """Text that somebody else wrote: what would move a terminal's cursor is shown escaped."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape", "surrogatepass").decode()
        for sign in text
    )


def short_text(text: str, cells: int) -> str:
    """Text that takes at most so many cells of a terminal; Chinese characters take two."""
    if cell_len(text) <= cells:
        return text
    return set_cell_size(text, max(0, cells - 1)).rstrip() + ELLIPSIS


def json_text(value: object) -> str:
    """One line of JSON for programs; keys are sorted."""
    return _encode(value).decode()


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table for spreadsheets (RFC 4180); without columns it goes on with an earlier one."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    if columns:
        writer.writerow(columns)
    for row in rows:
        writer.writerow([_csv_cell(value) for value in row])


def _csv_cell(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def page() -> Console:
    """Where tables go: the terminal, or a file of a fixed width."""
    width = None if sys.stdout.isatty() else PAGE_CELLS
    return Console(width=width, markup=False, emoji=False, highlight=False)


def short_type(name: str) -> str:
    """A message type without its version, when it is the first: `escrow.trade_created`."""
    return name.removesuffix(".v1")


def plain_table(*columns: str, title: str = "", right: Iterable[str] = ()) -> Table:
    """Make an empty table with a title, in the one look of all commands."""
    table = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    numeric = set(right)
    for column in columns:
        justify: JustifyMethod = "right" if column in numeric else "left"
        table.add_column(column, justify=justify, overflow="fold", no_wrap=column in WHOLE)
    return table


def counts_table(title: str, name: str, counts: Mapping[str, int]) -> Table:
    """Make a table of names and how often each occurs, the most frequent first."""
    table = plain_table(name, "count", title=title, right=("count",))
    for key, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        table.add_row(key, f"{count:,}")
    return table
