"""Balances as of a position: the closing before it, and a fold of what came after.

Log and closings are append-only, so several short statements agree with each other without a
snapshot.  Without closings (`fold=True`) everything is folded from the first event: the slow twin
that must give the same.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import TypeAlias

import asyncpg

from danbao.contracts.chart import class_of, is_debit_side
from danbao.kernel.sql import load_queries
from danbao.ledger.books import BookLine

Q = load_queries("danbao.analysis", "balances.sql")
SLICE_POSITIONS = 20_000
"""Positions folded in one statement."""

Account: TypeAlias = tuple[str, str]
"""Account and currency."""


async def closing_before(connection: asyncpg.Connection, position: int) -> int:
    """Give the last closing up to a position; 0 when there is none."""
    return int(await connection.fetchval(Q["closing"], position))


async def moved(connection: asyncpg.Connection, after: int, upto: int) -> Mapping[Account, int]:
    """Fold a stretch of the log: debits - credits of each account."""
    nets: Counter[Account] = Counter()
    for start in range(after, upto, SLICE_POSITIONS):
        end = min(start + SLICE_POSITIONS, upto)
        for account, currency, net_minor in await connection.fetch(Q["moved"], start, end):
            nets[account, currency] += net_minor
    return nets


async def balances_as_of(
    connection: asyncpg.Connection, accounts: Iterable[Account], position: int
) -> Mapping[Account, int]:
    """Give what each account came to at a position, positive on its normal side."""
    wanted = list(accounts)
    closing = await closing_before(connection, position)
    nets = Counter(await _before(connection, closing, wanted))
    changes = await moved(connection, closing, position)
    return {
        account: (nets[account] + changes.get(account, 0))
        * (1 if is_debit_side(account[0]) else -1)
        for account in wanted
    }


async def lines_as_of(
    connection: asyncpg.Connection, position: int, *, fold: bool = False
) -> list[BookLine]:
    """Give the balances of each class of accounts at a position, in the order of the codes."""
    closing = 0 if fold else await closing_before(connection, position)
    nets: Counter[Account] = Counter()
    accounts: Counter[Account] = Counter()
    for row in await connection.fetch(Q["trial_balance"], closing):
        key = row["class"], row["currency"]
        nets[key], accounts[key] = row["net_minor"], row["accounts"]
    changes = await moved(connection, closing, position)
    before = await _before(connection, closing, changes)
    for account, change in changes.items():
        key = class_of(account[0]), account[1]
        net = before.get(account, 0)
        nets[key] += change
        accounts[key] += (net + change != 0) - (net != 0)
    return [
        BookLine.of_net(account_class, currency, accounts[account_class, currency], net)
        for (account_class, currency), net in sorted(nets.items(), key=_by_currency)
    ]


async def _before(
    connection: asyncpg.Connection, closing: int, accounts: Collection[Account]
) -> Mapping[Account, int]:
    if not closing or not accounts:
        return {}
    codes, currencies = (list(column) for column in zip(*accounts, strict=True))
    rows = await connection.fetch(Q["before"], closing, codes, currencies)
    return {(row["account"], row["currency"]): row["net_minor"] for row in rows}


def _by_currency(item: tuple[Account, int]) -> tuple[str, str]:
    (account_class, currency), _ = item
    return currency, account_class
