"""A signed log, and what a superuser may do to it."""

import secrets
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from tests.integration.filled_log import Filled
from tests.integration.running_engine import danbao

from danbao.proofs.checkpoint import sign_checkpoint
from danbao.proofs.note import PrivateKey
from danbao.proofs.tree import root_of
from danbao.signing.checkpoint_file import CheckpointFile
from danbao.signing.keys import KeyFolder, log_name
from danbao.verification.checkpoints import Collection
from danbao.verification.verify import Verified, verify

SIGNED_EVERY = 500
CHANGED = 1_234
"""A position between two checkpoints."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A filled log, a key, and checkpoints that were kept outside."""

    filled: Filled
    home: Path
    key: PrivateKey
    notes: Sequence[str]

    def on(self, database: str) -> str:
        """The address of another database of the server."""
        return f"{self.filled.dsn.rpartition('/')[0]}/{database}"

    async def copy(self) -> asyncpg.Connection:
        """Connect to a copy of the log, to be tampered with."""
        name = f"copy_{secrets.token_hex(6)}"
        server = await asyncpg.connect(self.on("template1"))
        original = self.filled.dsn.rpartition("/")[2]
        await server.execute(f"CREATE DATABASE {name} TEMPLATE {original}")
        await server.close()
        connection = await asyncpg.connect(self.on(name))
        await connection.execute("SET session_replication_role = replica")
        return connection

    async def verify(self, connection: asyncpg.Connection, *, outside: bool = True) -> Verified:
        """Verify a copy, with the checkpoints that were kept outside or without."""
        database = await connection.fetchval("SELECT current_database()")
        collection = Collection(self.key.public.name, (self.key.public,))
        for note in self.notes if outside else ():
            collection.add("outside", note)
        with ThreadPoolExecutor(2) as pool:
            return await verify(self.on(database), collection, pool)

    @property
    def trade_id(self) -> str:
        """A trade of the log."""
        streams = (row.stream for row in self.filled.rows)
        return next(s.removeprefix("trade/") for s in streams if s.startswith("trade/"))

    def cli(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run `danbao …` in the home that has the keys."""
        return danbao(self.home, *arguments, more={"DANBAO_POSTGRES_DSN": self.filled.dsn})


async def sign_log(filled: Filled, home: Path) -> Signed:
    """Make a key, and sign every so many events."""
    connection = await asyncpg.connect(filled.dsn)
    rows = await connection.fetch("SELECT leaf_hash FROM danbao.event_log ORDER BY position")
    incarnation = await connection.fetchval("SELECT incarnation FROM danbao.log_heads")
    folder, leaves = KeyFolder(home), [row[0] for row in rows]
    folder.generate(incarnation)
    key, notes = folder.private(incarnation), []
    assert key.public.name == log_name(incarnation)
    for size in (*range(SIGNED_EVERY, len(leaves), SIGNED_EVERY), len(leaves)):
        root = root_of(leaves[:size])
        notes.append(sign_checkpoint(key, size, root))
        await connection.execute(
            "INSERT INTO danbao.log_checkpoints VALUES (0, $1, $2, $3)", size, root, notes[-1]
        )
        CheckpointFile.of_home(home).append(notes[-1])
    await connection.close()
    return Signed(filled, home, key, notes)


async def rehash(connection: asyncpg.Connection, position: int) -> None:
    """Compute the hashes of a row anew, as whoever tampers would."""
    await connection.execute(
        """UPDATE danbao.event_log SET row_hash = sha256(convert_to('[' || concat_ws(',',
            to_json(stream), version, to_json(type), schema_version, to_json(partition_key),
            to_json(event_id::text), to_json(causation_id::text), to_json(correlation_id),
            coalesce(to_json(actor)::text, 'null'), to_json(data::text),
            coalesce(to_json(postings::text)::text, 'null')) || ']', 'UTF8'))
        WHERE position = $1""",
        position,
    )
    await connection.execute(
        f"UPDATE danbao.event_log SET {LEAF} WHERE position = $1",
        position,
    )


LEAF = """leaf_hash = sha256('\\x00'::bytea || int8send(shard) || int8send(position)
    || int8send((extract(epoch FROM recorded_at) * 1000000)::bigint) || row_hash)"""
MONEY = "SELECT min(position) FROM danbao.event_log WHERE position > $1 AND postings IS NOT NULL"
SWAP = (
    "UPDATE danbao.event_log SET position = -1 WHERE position = {0}",
    "UPDATE danbao.event_log SET position = {0} WHERE position = {1}",
    "UPDATE danbao.event_log SET position = {1} WHERE position = -1",
)
SHIFT = "UPDATE danbao.event_log SET position = position + 1000000 WHERE position >= {0}"
SHIFT_BACK = "UPDATE danbao.event_log SET position = position - {1} WHERE position >= 1000000"
COPY = """INSERT INTO danbao.event_log SELECT shard, {0}, stream || '-x', version, type,
    schema_version, partition_key, event_id, causation_id, correlation_id, actor, traceparent,
    recorded_at, data, postings, row_hash, leaf_hash FROM danbao.event_log
    WHERE position = {0} - 1"""
CASES = {
    "data changed": (
        ["UPDATE danbao.event_log SET data = (data::text || ' ')::json WHERE position = {0}"],
        {"row_changed"},
    ),
    "actor changed": (
        ["UPDATE danbao.event_log SET actor = 'operator:eve' WHERE position = {0}"],
        {"row_changed"},
    ),
    "time changed": (
        [
            (
                "UPDATE danbao.event_log SET recorded_at = recorded_at - interval '1 hour'"
                " WHERE position = {0}"
            )
        ],
        {"leaf_changed", "time_falls"},
    ),
    "deleted": (["DELETE FROM danbao.event_log WHERE position = {0}"], {"position_missing"}),
    "deleted, the rest moved up": (
        [
            "DELETE FROM danbao.event_log WHERE position = {0}",
            SHIFT,
            "UPDATE danbao.event_log SET position = position - 1000001 WHERE position > 1000000",
            f"UPDATE danbao.event_log SET {LEAF} WHERE position >= {{0}}",
            "UPDATE danbao.log_heads SET position = position - 1",
        ],
        {"log_rewritten"},
    ),
    "inserted": (
        [
            SHIFT,
            "UPDATE danbao.event_log SET position = position - 999999 WHERE position > 1000000",
            COPY,
            f"UPDATE danbao.event_log SET {LEAF} WHERE position >= {{0}}",
            "UPDATE danbao.log_heads SET position = position + 1",
        ],
        {"event_id_wrong", "log_rewritten"},
    ),
    "swapped": (list(SWAP), {"leaf_changed"}),
    "swapped, and hashed again": (
        [*SWAP, f"UPDATE danbao.event_log SET {LEAF} WHERE position IN ({{0}}, {{1}})"],
        {"log_rewritten"},
    ),
}


BESIDE = {
    "a state": (
        (
            "UPDATE danbao.stream_states SET state = (SELECT state FROM danbao.stream_states"
            " WHERE stream LIKE 'trade/%' AND version > 3 LIMIT 1)"
            " WHERE stream ="
            " (SELECT max(stream) FROM danbao.stream_states WHERE stream LIKE 'trade/%')"
        ),
        "state_wrong",
    ),
    "a state's version": (
        (
            "UPDATE danbao.stream_states SET version = version + 1"
            " WHERE stream = (SELECT min(stream) FROM danbao.stream_states)"
        ),
        "state_wrong",
    ),
    "a state deleted": (
        (
            "DELETE FROM danbao.stream_states"
            " WHERE stream = (SELECT max(stream) FROM danbao.stream_states)"
        ),
        "state_wrong",
    ),
    "a state from nowhere": (
        "INSERT INTO danbao.stream_states VALUES (0, 'trade/T-nowhere', 1, 1, '{}')",
        "state_wrong",
    ),
    "a balance": (
        (
            "UPDATE danbao.guarded_balances SET balance_minor = balance_minor + 1"
            " WHERE account = (SELECT min(account) FROM danbao.guarded_balances)"
        ),
        "balance_wrong",
    ),
    "a balance deleted": (
        (
            "DELETE FROM danbao.guarded_balances WHERE account ="
            " (SELECT min(account) FROM danbao.guarded_balances WHERE balance_minor > 0)"
        ),
        "balance_wrong",
    ),
    "a closing": (
        (
            "UPDATE danbao.account_turnovers SET net_minor = net_minor + 1 WHERE upto ="
            " (SELECT min(upto) FROM danbao.closings)"
        ),
        "closing_wrong",
    ),
    "a read model": (
        (
            "UPDATE danbao_read.trades SET paid_minor = paid_minor + 1 WHERE trade_id ="
            " (SELECT min(trade_id) FROM danbao_read.trades)"
        ),
        "read_model_wrong",
    ),
    "a read model's row deleted": (
        (
            "DELETE FROM danbao_read.account_balances WHERE account ="
            " (SELECT max(account) FROM danbao_read.account_balances)"
        ),
        "read_model_wrong",
    ),
    "a checkpoint": (
        (
            "UPDATE danbao.log_checkpoints SET root = sha256('') WHERE size ="
            " (SELECT min(size) FROM danbao.log_checkpoints)"
        ),
        "checkpoint_broken",
    ),
}
