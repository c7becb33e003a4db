"""The hashes of the log (contract.md, "Leaf hash"; reliability.md, I6).

Checks: `log.row_hash`, `log.leaf_hash`, `log.checkpoint` (each root in `log_checkpoints` is
the RFC 6962 root over the first `size` leaves of its shard, worked out from the rows).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .hashing import Tree, leaf_hash, row_hash

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .report import Report
    from .rows import Checkpoint, Event


class LogHash:
    """Works out every hash anew; a stored one is never an input of the next."""

    def __init__(self, report: Report, checkpoints: Iterable[Checkpoint] = ()) -> None:
        """Remember the roots to be met on the way."""
        self._report = report
        self._trees: dict[int, Tree] = {}
        self._roots: dict[tuple[int, int], list[bytes]] = {}
        for checkpoint in checkpoints:
            self._roots.setdefault((checkpoint.shard, checkpoint.size), []).append(checkpoint.root)

    def event(self, event: Event) -> None:
        """Take the next row of the log."""
        row = event.row
        hashed = row_hash(row)
        if hashed != row.row_hash:
            self._report.at(row, "log.row_hash", hashed.hex(), row.row_hash.hex())
        leaf = leaf_hash(row, hashed)
        if leaf != row.leaf_hash:
            self._report.at(row, "log.leaf_hash", leaf.hex(), row.leaf_hash.hex())
        if self._roots:
            tree = self._trees.get(row.shard)
            if tree is None:
                tree = self._trees[row.shard] = Tree()
            tree.append(leaf)
            self._meet(row.shard, tree)

    def finish(self) -> None:
        """Report checkpoints that the log never reached, and those over no leaf at all."""
        for (shard, size), roots in self._roots.items():
            if size == 0:
                self._compare(shard, Tree(), roots)
            else:
                self._report.add(
                    "log.checkpoint", f"{size} leaves in shard {shard}", "fewer", position=size
                )

    def _meet(self, shard: int, tree: Tree) -> None:
        roots = self._roots.pop((shard, tree.size), None)
        if roots is not None:
            self._compare(shard, tree, roots)

    def _compare(self, shard: int, tree: Tree, roots: list[bytes]) -> None:
        root = tree.root()
        for stored in roots:
            if stored != root:
                what = f"root {root.hex()} of shard {shard}"
                self._report.add("log.checkpoint", what, stored.hex(), position=tree.size)
