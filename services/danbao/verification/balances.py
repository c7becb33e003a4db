"""Verifying what the log adds up to: guarded balances, closings, read models."""

from collections import Counter
from collections.abc import Mapping

import asyncpg
import msgspec

from danbao.analysis.closings import check_closings, closing_positions
from danbao.contracts.chart import is_guarded
from danbao.ledger.posting import Posting, movements
from danbao.projections.check import check_models
from danbao.projections.errors import UnknownModelError
from danbao.verification.problems import Found
from danbao.verification.reading import reading
from danbao.verification.rows import Account, Q

_postings = msgspec.json.Decoder(tuple[Posting, ...])


async def check_guarded(
    connection: asyncpg.Connection, upto: int, moved: Mapping[Account, int]
) -> Found:
    """Hold guarded balances against postings: `moved` up to a position, and what came since."""
    found, sums = Found(), Counter(moved)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        rows = await connection.fetch(Q["guarded"])
        tail = await connection.fetch(Q["postings"], upto)
    for _, text in tail:
        for account, currency, change in movements(_postings.decode(text)):
            if is_guarded(account):
                sums[account, currency] += change
    for account, currency, balance in rows:
        found.checked += 1
        expected = sums.pop((account, currency), 0)
        if balance != expected:
            detail = f"{account} has {balance} {currency}, not {expected}"
            found.add("balance_wrong", detail)
    for (account, currency), expected in sorted(sums.items()):
        if expected:
            found.add("balance_wrong", f"{account} has no balance, not {expected} {currency}")
    return found


async def check_books(dsn: str) -> Found:
    """Hold the closings against the log."""
    found = Found()
    async with reading(dsn) as connection:
        closings = await closing_positions(connection)
        checked = await check_closings(connection, closings, lambda _: None)
    found.checked = checked.closings
    for problem in checked.problems:
        found.add("closing_wrong", problem)
    return found


async def check_read_models(dsn: str) -> Found:
    """Hold the live read models against a fold of the log; other versions are left out."""
    found = Found()
    async with reading(dsn) as connection:
        try:
            models = await check_models(connection)
        except UnknownModelError:
            models = []
    for model in models:
        found.checked += model.rows
        for key, expected, row in (
            (each.key, each.expected, each.found) for each in model.differences
        ):
            detail = f"{model.name} {'/'.join(key)}: {row}, not {expected}"
            found.add("read_model_wrong", detail[:400])
        found.count += model.wrong - len(model.differences)
    return found
