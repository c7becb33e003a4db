"""Closings against the log: everything that they say is folded anew, one stretch at a time."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import asyncpg

from danbao.analysis.balances import Account
from danbao.analysis.balances import Q as BALANCES
from danbao.contracts.chart import class_of
from danbao.kernel.sql import load_queries

Q = load_queries("danbao.analysis", "closings.sql")
PROBLEMS_MAX = 20


@dataclass(slots=True)
class Checked:
    """How far the closings were looked at, and what is wrong."""

    closings: int = 0
    position: int = 0
    problems: list[str] = field(default_factory=list)


async def closing_positions(connection: asyncpg.Connection) -> Sequence[int]:
    """Give where the books were closed."""
    return [row["upto"] for row in await connection.fetch(Q["closings"])]


@dataclass(slots=True)
class _Fold:
    """What the log adds up to so far: accounts, and classes of accounts."""

    nets: Counter[Account] = field(default_factory=Counter)
    sums: Counter[Account] = field(default_factory=Counter)
    counts: Counter[Account] = field(default_factory=Counter)

    def add(self, account: Account, change: int) -> int:
        """Move an account; gives what it comes to."""
        before = self.nets[account]
        after = self.nets[account] = before + change
        key = class_of(account[0]), account[1]
        self.sums[key] += change
        self.counts[key] += (after != 0) - (before != 0)
        return after


async def check_closings(
    connection: asyncpg.Connection, closings: Sequence[int], report: Callable[[int], None]
) -> Checked:
    """Compare closings with folds of the log; the first ones that differ are named."""
    found, fold = Checked(), _Fold()
    for upto in closings:
        wrong = await _wrong_accounts(connection, found.position, upto, fold)
        wrong += await _wrong_classes(connection, upto, fold)
        found.problems += [f"closing at {upto}: {text}" for text in wrong]
        if len(found.problems) >= PROBLEMS_MAX:
            del found.problems[PROBLEMS_MAX:]
            return found
        found.closings += 1
        found.position = upto
        report(upto)
    return found


async def _wrong_accounts(
    connection: asyncpg.Connection, after: int, upto: int, fold: _Fold
) -> list[str]:
    """Tell which accounts a closing has otherwise than the log."""
    expected: dict[Account, tuple[object, ...]] = {}
    for row in await connection.fetch(Q["folded"], after, upto):
        account = row["account"], row["currency"]
        net = fold.add(account, row["debit_minor"] - row["credit_minor"])
        expected[account] = row["debit_minor"], row["credit_minor"], net, row["positions"]
    said = {
        (row["account"], row["currency"]): tuple(row)[2:]
        for row in await connection.fetch(Q["turnovers"], upto)
    }
    return [
        f"account {name} in {currency} is not what the log adds up to"
        for name, currency in sorted(expected.keys() | said.keys())
        if expected.get((name, currency)) != said.get((name, currency))
    ]


async def _wrong_classes(connection: asyncpg.Connection, upto: int, fold: _Fold) -> list[str]:
    """Tell which classes of a trial balance are not the sums of their accounts."""
    rows = await connection.fetch(BALANCES["trial_balance"], upto)
    said = {(row["class"], row["currency"]): tuple(row)[2:] for row in rows}
    return [
        f"class {name} in {currency} is not the sum of its accounts"
        for name, currency in sorted(fold.sums.keys() | said.keys())
        if (fold.counts[name, currency], fold.sums[name, currency])
        != said.get((name, currency), (0, 0))
    ]
