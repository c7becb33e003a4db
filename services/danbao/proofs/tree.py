"""The Merkle tree of RFC 6962 over the leaves of one shard, in the order of their positions.

The leaf of position p has index p - 1.  A perfect node (level, index) covers the 2^level leaves
from index * 2^level on; a stretch of leaves falls into few perfect nodes, and the tree of the
first n leaves has one root for ever, whatever is appended.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple, TypeAlias

EMPTY_ROOT = sha256(b"").digest()
HASH_BYTES = 32


class Stretch(NamedTuple):
    """Leaves from index `start` up to and without `end`."""

    start: int
    end: int


Node: TypeAlias = tuple[int, int]
"""A perfect node: (level, index)."""


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an interior node."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The perfect nodes that the leaves so far come to, the widest first: all a log must keep.

    There is one for each bit that is set in the size.
    """

    __slots__ = ("nodes", "size")

    def __init__(self, size: int = 0, nodes: Iterable[bytes] = ()) -> None:
        self.size = size
        self.nodes = list(nodes)
        if len(self.nodes) != size.bit_count():
            message = f"{len(self.nodes)} nodes are not the frontier of {size} leaves"
            raise ValueError(message)

    def copy(self) -> "Frontier":
        """Give one that grows on its own."""
        return Frontier(self.size, self.nodes)

    def append(self, leaf: bytes) -> None:
        """Add the next leaf."""
        size, nodes = self.size, self.nodes
        while size & 1:
            leaf = sha256(b"\x01" + nodes.pop() + leaf).digest()
            size >>= 1
        nodes.append(leaf)
        self.size += 1

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add the next leaves."""
        for leaf in leaves:
            self.append(leaf)

    def join(self, size: int, nodes: Iterable[bytes]) -> None:
        """Add the frontier of the next `size` leaves.

        This one's size must be a multiple of a power of two that is not below `size`.
        """
        lowest = self.size & -self.size
        assert not self.size or size <= lowest, "the next leaves do not begin at a node of theirs"
        for node, level in zip(nodes, _levels(size), strict=True):
            self._append_node(node, level)

    def _append_node(self, node: bytes, level: int) -> None:
        width = 1 << level
        assert self.size % width == 0
        while self.size & width:
            node = node_hash(self.nodes.pop(), node)
            self.size -= width
            width <<= 1
        self.nodes.append(node)
        self.size += width

    def root(self) -> bytes:
        """Root of the tree of all leaves so far."""
        return join_nodes(self.nodes)


def join_nodes(nodes: Sequence[bytes]) -> bytes:
    """Root of the tree whose perfect nodes these are, the widest first."""
    if not nodes:
        return EMPTY_ROOT
    root = nodes[-1]
    for node in reversed(nodes[:-1]):
        root = node_hash(node, root)
    return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Root of the tree of some leaves."""
    frontier = Frontier()
    frontier.extend(leaves)
    return frontier.root()


def perfect_nodes(stretch: Stretch) -> Iterator[Node]:
    """Perfect nodes that a subtree's leaves come to, the widest first."""
    start = stretch.start
    for level in _levels(stretch.end - stretch.start):
        assert start % (1 << level) == 0, "no subtree begins there"
        yield level, start >> level
        start += 1 << level


def _levels(size: int) -> Iterator[int]:
    """Levels of the perfect nodes of a tree."""
    return (level for level in range(size.bit_length() - 1, -1, -1) if size >> level & 1)


def gather(leaves: Iterable[bytes], stretches: Iterable[Stretch]) -> Mapping[Stretch, bytes]:
    """Hash of each stretch, in one pass over the leaves from the first on."""
    gatherer = Gatherer(stretches)
    gatherer.extend(leaves)
    return gatherer.hashes()


class Gatherer:
    """Collects the nodes that paths are made of while the leaves go by."""

    def __init__(self, stretches: Iterable[Stretch]) -> None:
        self._stretches = list(stretches)
        self._wanted = {node for each in self._stretches for node in perfect_nodes(each)}
        self._found: dict[Node, bytes] = {}
        self._frontier = Frontier()

    @property
    def size(self) -> int:
        """How many leaves went by."""
        return self._frontier.size

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Let the next leaves go by."""
        for leaf in leaves:
            self._append(leaf)

    def _append(self, node: bytes) -> None:
        frontier, wanted = self._frontier, self._wanted
        level, index = 0, frontier.size
        if (0, index) in wanted:
            self._found[0, index] = node
        while index & 1:
            node = node_hash(frontier.nodes.pop(), node)
            level, index = level + 1, index >> 1
            if (level, index) in wanted:
                self._found[level, index] = node
        frontier.nodes.append(node)
        frontier.size += 1

    def root(self) -> bytes:
        """Root of the tree of all leaves that went by."""
        return self._frontier.root()

    def hashes(self) -> Mapping[Stretch, bytes]:
        """Hash of each stretch."""
        return {
            stretch: join_nodes([self._found[node] for node in perfect_nodes(stretch)])
            for stretch in self._stretches
        }
