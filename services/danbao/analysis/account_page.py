"""The page of one account: what it came to, each entry, and what it comes to.

Closings name the positions at which an account moved, so its entries are looked up, not searched;
only what came after the last closing is searched.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from danbao.analysis.balances import SLICE_POSITIONS, closing_before
from danbao.analysis.errors import NotThereError
from danbao.analysis.moments import Span
from danbao.contracts.chart import is_debit_side
from danbao.kernel.sql import load_queries

Q = load_queries("danbao.analysis", "account_page.sql")
POSITIONS_MAX = 2_000
"""Events looked up in one statement."""


@dataclass(frozen=True, slots=True)
class AccountEntry:
    """One posting as its account sees it."""

    position: int
    recorded_at: datetime
    type: str
    flow: str
    counter_account: str
    debit_minor: int
    credit_minor: int
    balance_minor: int
    """After the entry, positive on the account's normal side."""


@dataclass(frozen=True, slots=True)
class AccountPage:
    """One account in one currency, over one stretch of the log."""

    account: str
    currency: str
    span: Span
    opening_minor: int
    closing_minor: int


async def account_pages(
    connection: asyncpg.Connection, account: str, span: Span
) -> Sequence[AccountPage]:
    """Give a page for each currency in which the account ever moved up to the end.

    Raises:
        NotThereError: it never moved.
    """
    currencies = await _currencies(connection, account, span.upto)
    if not currencies:
        raise NotThereError(
            f"account {account} has no entry up to position {span.upto}",
            todo="`danbao ledger trial-balance` shows the classes of accounts.",
        )
    return [
        AccountPage(
            account,
            currency,
            span,
            await balance_at(connection, account, currency, span.after),
            await balance_at(connection, account, currency, span.upto),
        )
        for currency in currencies
    ]


async def balance_at(
    connection: asyncpg.Connection, account: str, currency: str, position: int
) -> int:
    """What an account came to at a position, positive on its normal side."""
    closing = await closing_before(connection, position)
    net = await connection.fetchval(Q["net_at"], account, currency, closing) or 0
    for start, end in _slices(closing, position):
        net += await connection.fetchval(Q["net_between"], account, currency, start, end)
    return net if is_debit_side(account) else -net


async def entries(connection: asyncpg.Connection, page: AccountPage) -> AsyncIterator[AccountEntry]:
    """Walk through the entries of a page, with the balance after each."""
    sign = 1 if is_debit_side(page.account) else -1
    balance = page.opening_minor
    async for row in _rows(connection, page):
        is_debit = row["debit"] == page.account
        debit, credit = (row["minor"], 0) if is_debit else (0, row["minor"])
        balance += sign * (debit - credit)
        yield AccountEntry(
            row["position"],
            row["recorded_at"],
            row["type"],
            row["partition_key"],
            row["credit"] if is_debit else row["debit"],
            debit,
            credit,
            balance,
        )


async def _rows(connection: asyncpg.Connection, page: AccountPage) -> AsyncIterator[asyncpg.Record]:
    key, span = (page.account, page.currency), page.span
    closed = await closing_before(connection, span.upto)
    async for positions in _positions(connection, page, closed):
        for row in await connection.fetch(Q["entries_at"], *key, positions):
            yield row
    for start, end in _slices(max(span.after, closed), span.upto):
        for row in await connection.fetch(Q["entries_between"], *key, start, end):
            yield row


async def _positions(
    connection: asyncpg.Connection, page: AccountPage, closed: int
) -> AsyncIterator[list[int]]:
    """Give the positions of the entries as far as the books are closed."""
    last = page.span.after
    while True:
        rows = await connection.fetch(Q["turnovers"], page.account, page.currency, last)
        for row in rows:
            if row["upto"] > closed:
                return
            wanted = [position for position in row["positions"] if position > page.span.after]
            for start in range(0, len(wanted), POSITIONS_MAX):
                yield wanted[start : start + POSITIONS_MAX]
        if not rows:
            return
        last = rows[-1]["upto"]


async def _currencies(connection: asyncpg.Connection, account: str, position: int) -> Sequence[str]:
    closing = await closing_before(connection, position)
    found = {row[0] for row in await connection.fetch(Q["currencies"], account, closing)}
    for start, end in _slices(closing, position):
        rows = await connection.fetch(Q["currencies_between"], account, start, end)
        found.update(row[0] for row in rows)
    return sorted(found)


def _slices(after: int, upto: int) -> list[tuple[int, int]]:
    starts = range(after, upto, SLICE_POSITIONS)
    return [(start, min(start + SLICE_POSITIONS, upto)) for start in starts]
