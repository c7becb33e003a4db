"""A log whose head is to be signed: a database of its own, and a day in memory to append."""

from dataclasses import dataclass, replace

import asyncpg
from tests.load.filling import append

from danbao.kernel.clock import SystemClock
from danbao.kernel.memory.tables import Tables
from danbao.kernel.postgres.store import PostgresStore
from danbao.kernel.settings import Settings
from danbao.proofs.checkpoint import open_checkpoint
from danbao.proofs.tree import root_of
from danbao.signing.checkpoint_file import CheckpointFile, split_file
from danbao.signing.checkpoint_topic import CheckpointTopic
from danbao.signing.checkpointer import Checkpointer
from danbao.signing.keys import KeyFolder


async def run_sql(settings: Settings, statement: str) -> None:
    """Run a statement as superuser."""
    connection = await asyncpg.connect(settings.postgres_dsn)
    await connection.execute(statement)
    await connection.close()


def on(settings: Settings, database: str) -> Settings:
    """The same servers, another database."""
    return replace(settings, postgres_dsn=f"{settings.postgres_dsn.rpartition('/')[0]}/{database}")


@dataclass(slots=True)
class Signed:
    """A log of its own, in a database of its own, with a day to append."""

    settings: Settings
    owner: asyncpg.Connection
    day: Tables
    appended: int = 0

    def signer(self, owner: str = "one", lease_s: int = 60) -> Checkpointer:
        """A checkpointer that has not looked at anything yet."""
        settings = replace(self.settings, signer_lease_s=lease_s)
        return Checkpointer(
            store=PostgresStore(settings.postgres_dsn, purpose="checkpointer", may_hold_head=False),
            sink=CheckpointTopic(settings.kafka_bootstrap, settings.partitions),
            file=self.file,
            keys=KeyFolder(settings.home),
            clock=SystemClock(),
            settings=settings,
            owner=owner,
        )

    @property
    def file(self) -> CheckpointFile:
        """What was signed, outside Postgres."""
        return CheckpointFile.of_home(self.settings.home)

    async def grow(self, events: int) -> None:
        """Append the next events of the day."""
        store = PostgresStore(self.settings.postgres_dsn, purpose="test", may_hold_head=True)
        rows = self.day.log[self.appended : self.appended + events]
        await append(store, self.day, rows)
        self.appended += len(rows)
        await store.close()

    async def tamper(self, *statements: str) -> None:
        """Do what only a superuser can."""
        async with self.owner.transaction():
            await self.owner.execute("SET LOCAL session_replication_role = replica")
            for statement in statements:
                await self.owner.execute(statement)

    async def sizes(self) -> dict[str, list[int]]:
        """The sizes that each place has a good checkpoint of; of the topic, the last."""
        folder = KeyFolder(self.settings.home)
        known = [each.key for each in folder.public()]
        rows = await self.owner.fetch("SELECT note FROM danbao.log_checkpoints ORDER BY size")
        sink = CheckpointTopic(self.settings.kafka_bootstrap, self.settings.partitions)
        last = await sink.last(known[0].name)
        notes = {
            "table": [row["note"] for row in rows],
            "file": list(split_file(self.file.path.read_bytes())),
            "topic": [] if last is None else [last],
        }
        sizes = {}
        for place, found in notes.items():
            heads = [open_checkpoint(note, known)[0] for note in found]
            leaves = [self.day.leaves[n].leaf_hash for n in range(self.appended)]
            assert all(head.root == root_of(leaves[: head.size]) for head in heads)
            sizes[place] = [head.size for head in heads]
        return sizes
