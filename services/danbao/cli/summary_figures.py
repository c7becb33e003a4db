"""Reads the figures of the summary, all from one moment of the database."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import asyncpg

from danbao.contracts.chart import CLASSES
from danbao.kernel.sql import load_queries
from danbao.ledger.books import BookLine, Equation, equations, trial_totals

Q = load_queries("danbao.cli", "summary.sql")


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything the summary shows, from one moment of the database."""

    totals: dict[str, int]
    trades: list[dict[str, Any]]
    refusals: dict[str, int]
    declines: dict[str, int]
    balances: list[BookLine]
    payouts: list[dict[str, Any]]

    @property
    def equations(self) -> list[Equation]:
        """The reserve's equation in each currency."""
        return equations(self.balances)

    @property
    def is_balanced(self) -> bool:
        """Whether every book and the reserve of every currency balance."""
        return all(total.is_balanced for total in trial_totals(self.balances)) and all(
            equation.is_balanced for equation in self.equations
        )


async def read_summary(connection: asyncpg.Connection) -> Summary:
    """Read all of it in one snapshot, so that the figures agree with each other."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        totals = await connection.fetchrow(Q["totals"])
        balances = await connection.fetch(Q["balances"], list(CLASSES))
        return Summary(
            totals={name: int(count or 0) for name, count in (totals or {}).items()},
            trades=_whole(await connection.fetch(Q["trades"])),
            refusals=_counts(await connection.fetch(Q["refusals"])),
            declines=_counts(await connection.fetch(Q["declines"])),
            balances=[
                BookLine(row["class"], row["currency"], row["accounts"], int(row["balance_minor"]))
                for row in balances
            ],
            payouts=_whole(await connection.fetch(Q["payouts"])),
        )


def _counts(rows: Iterable[asyncpg.Record]) -> dict[str, int]:
    return {row["code"]: row["count"] for row in rows}


def _whole(rows: Iterable[asyncpg.Record]) -> list[dict[str, Any]]:
    """Rows as dictionaries; sums of Postgres come as decimals and are whole."""
    return [
        {name: int(value or 0) if name.endswith("_minor") else value for name, value in row.items()}
        for row in rows
    ]
