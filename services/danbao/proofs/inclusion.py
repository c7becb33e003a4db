"""Inclusion: a leaf is in a tree, shown by the hashes beside its way to the root (RFC 6962 2.1.1).

Checking follows RFC 9162, section 2.1.3.2.
"""

from collections.abc import Sequence

from danbao.proofs.errors import InconsistentError
from danbao.proofs.tree import Stretch, node_hash


def inclusion_stretches(index: int, size: int) -> list[Stretch]:
    """Stretches whose hashes are the path of a leaf, the nearest first."""
    if not 0 <= index < size:
        message = f"no leaf {index} in a tree of {size}"
        raise ValueError(message)
    stretches = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _left_width(end - start)
        if index < middle:
            stretches.append(Stretch(middle, end))
            end = middle
        else:
            stretches.append(Stretch(start, middle))
            start = middle
    return stretches[::-1]


def check_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf is in the tree of a root.

    Raises:
        InconsistentError: it is not, as far as this path shows.
    """
    if not 0 <= index < size:
        raise InconsistentError(f"no leaf {index} in a tree of {size}")
    node, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise InconsistentError("the path is too long")
        if node & 1 or node == last:
            found = node_hash(sibling, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise InconsistentError("the path is too short")
    if found != root:
        raise InconsistentError("the path leads to another root")


def _left_width(size: int) -> int:
    """Leaves of the left half: the largest power of two below the size."""
    return 1 << (size - 1).bit_length() - 1
