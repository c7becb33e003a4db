"""Verifying checkpoints: who signed them, and whether the log still is what they say."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import NamedTuple

import asyncpg
import msgspec

from danbao.proofs.checkpoint import Checkpoint, open_checkpoint, peek_checkpoint
from danbao.proofs.errors import ProofError, UnknownKeyError
from danbao.proofs.note import PublicKey
from danbao.signing.keys import is_of_log
from danbao.verification.problems import Found
from danbao.verification.rows import Q

PAGE = 5_000


class Kept(NamedTuple):
    """A checkpoint and where it was kept."""

    place: str
    checkpoint: Checkpoint


class Collection(msgspec.Struct):
    """The checkpoints of a log, from wherever they are kept."""

    log: str
    """The log's name; later histories of it count too."""
    keys: tuple[PublicKey, ...] = ()
    kept: list[Kept] = []
    found: Found = msgspec.field(default_factory=Found)
    unknown: int = 0
    """Signed by no known key; their roots are compared all the same."""

    def add(
        self, place: str, note: str, size: int | None = None, root: bytes | None = None
    ) -> None:
        """Take a note; `size` and `root` are what its place says of it."""
        try:
            try:
                checkpoint, _ = open_checkpoint(note, self.keys)
            except UnknownKeyError:
                checkpoint = peek_checkpoint(note)
                self.unknown += 1
        except ProofError as error:
            self.found.add("checkpoint_broken", f"{place}: {error.code}: {error}", size)
            return
        if not is_of_log(checkpoint.origin, self.log):
            return
        if (size, root) != (None, None) and (size, root) != (checkpoint.size, checkpoint.root):
            detail = f"{place}: size and root are not those of its note"
            self.found.add("checkpoint_broken", detail, size)
        self.kept.append(Kept(place, checkpoint))

    async def add_table(self, connection: asyncpg.Connection) -> None:
        """Take those of the table."""
        async for row in _pages(connection):
            self.add("the table", row["note"], row["size"], row["root"])

    def sizes(self, upto: int) -> list[int]:
        """The sizes at which roots are wanted."""
        return sorted({each.checkpoint.size for each in self.kept if each.checkpoint.size <= upto})

    def compare(self, roots: Mapping[int, bytes], head: int) -> None:
        """Hold them against the roots of the log, and say where it first differs."""
        self.found.checked += len(self.kept)
        kept = sorted(self.kept, key=lambda each: each.checkpoint.size)
        fits = {each: roots.get(each.checkpoint.size) == each.checkpoint.root for each in kept}
        wrong = min((e.checkpoint.size for e in kept if not fits[e]), default=head + 1)
        good = max((e.checkpoint.size for e in kept if e.checkpoint.size < wrong), default=0)
        for each in kept:
            place, size = each.place, each.checkpoint.size
            if size > head:
                detail = f"{place}: it was {size} events long, and ends at {head}"
                self.found.add("log_cut", detail, head + 1)
            elif not fits[each]:
                detail = f"{place}: the first {size} events are not those that were signed"
                known = f"; the first {good} are" if good else ""
                self.found.add("log_rewritten", detail + known, good + 1)


async def _pages(connection: asyncpg.Connection) -> AsyncIterator[asyncpg.Record]:
    size = -1
    while rows := await connection.fetch(Q["checkpoints"], size, PAGE):
        for row in rows:
            yield row
        size = rows[-1]["size"]


def within(sizes: Iterable[int], start: int, end: int) -> Sequence[int]:
    """Those after a position, up to another."""
    return [size for size in sizes if start < size <= end]
