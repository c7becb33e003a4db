"""The checkpointer: signs the head of the log's Merkle tree every few seconds (architecture 12.3).

It tails the leaves and keeps the frontier of their tree; nothing of it is in the path of a commit.
Before it signs anything, and whenever another one may have signed meanwhile, it makes the tree
anew from the first leaf and holds it against the newest checkpoint of each place.  A log that is
shorter than what was signed, or another one, ends it: it never signs a second history.

One signs at a time, by a lease.  Two that did would still sign the same roots.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
import structlog

from danbao.kernel.crash import crash_point
from danbao.kernel.errors import FencedError, RetryableError
from danbao.kernel.ports import Clock
from danbao.kernel.postgres.store import BROKEN, PostgresStore, translate
from danbao.kernel.pulse import Pulse
from danbao.kernel.settings import Settings
from danbao.kernel.sql import load_queries
from danbao.proofs.checkpoint import sign_checkpoint
from danbao.proofs.errors import MalformedError
from danbao.proofs.note import PrivateKey
from danbao.proofs.tree import Frontier
from danbao.signing.checkpoint_file import CheckpointFile
from danbao.signing.checkpoint_topic import CheckpointTopic
from danbao.signing.errors import CheckpointBrokenError, LogRewrittenError, LogShorterError
from danbao.signing.keys import KeyFolder
from danbao.signing.witnesses import Witness, read_witness, refuse_other, refuse_shorter

RETRY_S = 0.5
LEAVES_MAX = 10_000
"""Leaves read in one statement."""
STUCK_PART = 3
"""It looks at least so often in the time after which the watch would call it stuck."""
Q = load_queries("danbao.signing", "checkpointer.sql")

log = structlog.get_logger()


@dataclass(slots=True)
class Checkpointer:
    """One candidate for signing the log."""

    store: PostgresStore
    sink: CheckpointTopic
    file: CheckpointFile
    keys: KeyFolder
    clock: Clock
    settings: Settings
    owner: str
    stopping: bool = False
    pulse: Pulse = field(default_factory=Pulse)
    signed: int = 0
    """Events of the newest checkpoint that is in table and file."""
    _tree: Frontier | None = None
    _unpublished: tuple[str, str] | None = None
    _standing_by: bool = False

    async def run(self) -> None:
        """Sign until asked to stop."""
        settings = self.settings
        rest = min(settings.checkpoint_every_s, settings.stuck_after_s / STUCK_PART)
        while not self.stopping:
            self.pulse.turn()
            try:
                await self.step()
                self.pulse.answered()
                with self.pulse.rest():
                    await self.clock.sleep(rest)
            except FencedError:
                self._tree = None
            except RetryableError as error:
                log.warning(
                    "checkpointer.interrupted", error_code=error.code, error=str(error)[:200]
                )
                await self.clock.sleep(RETRY_S)

    def unready(self) -> list[str]:
        """Say what keeps it from signing; one that stands by is ready."""
        if self._tree is None and not self._standing_by:
            return ["the log has not been held against its checkpoints yet"]
        return []

    def marks(self) -> Mapping[str, object]:
        """What it signed, and how far it has read on the way."""
        return {"signed": (self.signed, self._tree and self._tree.size)}

    async def leave(self) -> None:
        """Let the lease run out now: the next one need not wait for it."""
        if self._tree is not None:
            await self._fetchrow("take_lease", self.owner, 0)

    async def step(self) -> int:
        """Sign the log's head once, if it has moved; gives how many events are signed now."""
        row = await self._fetchrow("head")
        assert row is not None
        head, incarnation = row["position"], UUID(bytes=row["incarnation"].bytes)
        if self._tree is not None and head < self._tree.size:
            raise LogShorterError(
                f"{self._tree.size} events were read, but the log ends at position {head}"
            )
        if self._tree is not None and head == self.signed:
            await self._publish()
            return self.signed
        if not await self._hold_lease():
            return self.signed
        key = self.keys.private(incarnation)
        if self._tree is None:
            await self._begin(key, head)
        if head > self.signed:
            assert self._tree is not None
            await self._extend(self._tree, head)
            await self._sign(key, self._tree)
        await self._publish()
        return self.signed

    async def _hold_lease(self) -> bool:
        """Be the one that signs, or stand by."""
        row = await self._fetchrow("take_lease", self.owner, self.settings.signer_lease_s)
        assert row is not None
        if row["owner"] is None:
            if not self._standing_by:
                log.info("checkpointer.standing_by", owner=self.owner)
            self._standing_by, self._tree = True, None
            return False
        if row["before"] != self.owner:
            log.info("checkpointer.leading", owner=self.owner)
            self._tree = None
        self._standing_by = False
        return True

    async def _begin(self, key: PrivateKey, head: int) -> None:
        """Make the tree anew, and hold it against what was signed.

        Raises:
            LogShorterError: the log ends before what was signed.
            LogRewrittenError: the log is not what was signed.
            CheckpointBrokenError: what was kept is no checkpoint.
        """
        origin = key.public.name
        witnesses = await self._witnesses(origin)
        refuse_shorter(witnesses, head)
        tree = Frontier()
        for size in sorted({witness.checkpoint.size for witness in witnesses}):
            await self._extend(tree, size)
            refuse_other(witnesses, size, tree.root())
        newest = max(witnesses, key=lambda each: each.checkpoint.size, default=None)
        if newest is not None:
            await self._spread(origin, newest, {each.place: each for each in witnesses})
        self._tree = tree
        self.signed = tree.size
        log.info("checkpointer.begun", position=self.signed)

    async def _witnesses(self, origin: str) -> list[Witness]:
        known = [each.key for each in self.keys.public()]
        row = await self._fetchrow("last_checkpoint", origin)
        try:
            in_file = self.file.last(origin)
        except MalformedError as error:
            raise CheckpointBrokenError(f"{self.file.path}: {error}") from error
        notes = {
            "table": None if row is None else row["note"],
            "file": in_file,
            "topic": await self.sink.last(origin),
        }
        witnesses = [
            read_witness(place, note, known) for place, note in notes.items() if note is not None
        ]
        for place, checkpoint, _, is_known in witnesses:
            if not is_known:
                reason = f"the {place}'s last one is signed with a key that is not in this home"
                log.warning("checkpoint.of_unknown_key", reason=reason, position=checkpoint.size)
        return witnesses

    async def _spread(self, origin: str, newest: Witness, held: Mapping[str, Witness]) -> None:
        """Bring the newest checkpoint, which the log agrees with, to where it is not yet."""
        size = newest.checkpoint.size
        behind = {
            place
            for place in ("table", "file", "topic")
            if place not in held or held[place].checkpoint.size < size
        }
        if "file" in behind:
            self.file.append(newest.note)
        if "table" in behind:
            await self._keep(size, newest.checkpoint.root, newest.note)
        if "topic" in behind:
            self._unpublished = origin, newest.note

    async def _extend(self, tree: Frontier, upto: int) -> None:
        """Read leaves up to a position.

        Raises:
            LogRewrittenError: a position is missing.
        """
        while tree.size < upto:
            rows = await self._fetch("leaves", tree.size, min(tree.size + LEAVES_MAX, upto))
            for position, leaf in rows:
                if position != tree.size + 1:
                    break
                tree.append(leaf)
            if not rows or rows[-1]["position"] != tree.size:
                raise LogRewrittenError(f"position {tree.size + 1} is missing")
            self.pulse.answered()

    async def _sign(self, key: PrivateKey, tree: Frontier) -> None:
        """Sign the head, and keep it: first outside Postgres, then in it."""
        size, root = tree.size, tree.root()
        note = sign_checkpoint(key, size, root)
        crash_point("checkpointer.signed")
        self.file.append(note)
        crash_point("checkpointer.filed")
        await self._keep(size, root, note)
        crash_point("checkpointer.kept")
        self.signed = size
        self._unpublished = key.public.name, note
        log.debug("log.signed", position=size)

    async def _keep(self, size: int, root: bytes, note: str) -> None:
        row = await self._fetchrow("keep", self.owner, size, root, note)
        if row is None or not row[0]:
            raise FencedError("the lease to sign is another's")

    async def _publish(self) -> None:
        if self._unpublished is not None:
            await self.sink.publish(*self._unpublished)
            self._unpublished = None
            crash_point("checkpointer.published")

    async def _fetchrow(self, name: str, *arguments: object) -> asyncpg.Record | None:
        rows = await self._fetch(name, *arguments)
        return rows[0] if rows else None

    async def _fetch(self, name: str, *arguments: object) -> list[asyncpg.Record]:
        connection = await self.store.connection()
        try:
            rows: list[asyncpg.Record] = await connection.fetch(Q[name], *arguments)
        except (asyncpg.PostgresError, *BROKEN) as error:
            await self.store.drop_connection()
            raise translate(error) from error
        return rows
