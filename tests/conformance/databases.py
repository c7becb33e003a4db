"""The two databases of the conformance suite, and what a test may look into."""

from collections.abc import Mapping
from typing import Protocol

import asyncpg
from tests.conformance.writing import SERVICE

from danbao.kernel.loaded import Account
from danbao.kernel.memory.store import MemoryStore
from danbao.kernel.memory.tables import DecisionTime, Leaf, Tables
from danbao.kernel.ports import Store
from danbao.kernel.postgres.store import PostgresStore

TABLES = {
    "stream_states",
    "shared_facts",
    "guarded_balances",
    "inbox",
    "consumer_offsets",
    "timers",
    "dead_letters",
    "event_log",
}


class Database(Protocol):
    """One empty database; each store is a process of its own on it, with that process's rights."""

    def open(self, process: str = SERVICE) -> Store: ...

    async def leaves(self) -> list[Leaf]: ...

    async def decision_times(self) -> list[DecisionTime]: ...

    async def balances(self) -> Mapping[Account, int]: ...

    async def count(self, table: str) -> int: ...

    async def request_letters(self, *reasons: str) -> None:
        """Want all letters with these reasons retried, as an operator does."""
        ...

    async def close(self) -> None: ...


class MemoryDatabase:
    """Tables in memory."""

    def __init__(self) -> None:
        self._tables = Tables()
        self._stores: list[MemoryStore] = []

    def open(self, process: str = SERVICE) -> MemoryStore:
        del process  # in memory everybody may do everything
        self._stores.append(MemoryStore(self._tables))
        return self._stores[-1]

    async def leaves(self) -> list[Leaf]:
        return list(self._tables.leaves)

    async def decision_times(self) -> list[DecisionTime]:
        return list(self._tables.decision_times)

    async def balances(self) -> Mapping[Account, int]:
        return dict(self._tables.balances)

    async def count(self, table: str) -> int:
        names = {
            "stream_states": "states",
            "shared_facts": "facts",
            "guarded_balances": "balances",
            "consumer_offsets": "offsets",
            "dead_letters": "letters",
            "event_log": "log",
        }
        return len(getattr(self._tables, names.get(table, table)))

    async def request_letters(self, *reasons: str) -> None:
        for key, stored in self._tables.letters.items():
            if stored.letter.reason in reasons and not stored.is_settled:
                self._tables.letters[key] = stored._replace(state="requested")

    async def close(self) -> None:
        for store in self._stores:
            await store.close()


class PostgresDatabase:
    """A database on the local server."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self._stores: list[PostgresStore] = []

    def open(self, process: str = SERVICE) -> PostgresStore:
        self._stores.append(PostgresStore(self.dsn, purpose=process, may_hold_head=True))
        return self._stores[-1]

    async def leaves(self) -> list[Leaf]:
        rows = await self._fetch(
            "SELECT row_hash, leaf_hash FROM danbao.event_log ORDER BY position"
        )
        return [Leaf(row[0], row[1]) for row in rows]

    async def decision_times(self) -> list[DecisionTime]:
        rows = await self._fetch(
            "SELECT first_position, last_position, decided_at FROM danbao.decision_times ORDER BY 1"
        )
        return [DecisionTime(*row) for row in rows]

    async def balances(self) -> Mapping[Account, int]:
        rows = await self._fetch(
            "SELECT account, currency, balance_minor FROM danbao.guarded_balances"
        )
        return {(row[0], row[1]): row[2] for row in rows}

    async def count(self, table: str) -> int:
        assert table in TABLES
        rows = await self._fetch(f"SELECT count(*) FROM danbao.{table}")
        number: int = rows[0][0]
        return number

    async def request_letters(self, *reasons: str) -> None:
        await self._fetch(
            "UPDATE danbao.dead_letters SET state = 'requested'"
            " WHERE state = 'waiting' AND reason = ANY ($1)",
            list(reasons),
        )

    async def close(self) -> None:
        for store in self._stores:
            await store.close()

    async def _fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.dsn)
        rows: list[asyncpg.Record] = await connection.fetch(query, *arguments)
        await connection.close()
        return rows
