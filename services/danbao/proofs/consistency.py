"""Consistency: one tree continues another, so that nothing of it was changed (RFC 6962 2.1.2).

Checking follows RFC 9162, section 2.1.4.2.
"""

from collections.abc import Sequence

from danbao.proofs.errors import InconsistentError
from danbao.proofs.tree import EMPTY_ROOT, Stretch, node_hash


def consistency_stretches(old: int, new: int) -> list[Stretch]:
    """Stretches whose hashes show that the tree of `new` leaves continues that of `old`."""
    if not 0 <= old <= new:
        message = f"a tree of {new} leaves cannot continue one of {old}"
        raise ValueError(message)
    if old in {0, new}:
        return []
    stretches = []
    start, end, is_whole = 0, new, True
    while end != old:
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        if old <= middle:
            stretches.append(Stretch(middle, end))
            end = middle
        else:
            stretches.append(Stretch(start, middle))
            start, is_whole = middle, False
    if not is_whole:
        stretches.append(Stretch(start, end))
    return stretches[::-1]


def check_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> None:
    """Check that the tree of `new` leaves continues that of `old`.

    Raises:
        InconsistentError: it does not, as far as this path shows.
    """
    if not 0 <= old <= new:
        raise InconsistentError(f"a tree of {new} leaves cannot continue one of {old}")
    if old in {0, new}:
        _check_trivial(old, new, old_root, new_root, path)
        return
    found_old, found_new = _climb(old - 1, new - 1, old_root, list(path))
    if found_old != old_root:
        raise InconsistentError("the path leads to another old root")
    if found_new != new_root:
        raise InconsistentError("the path leads to another new root")


def _climb(node: int, last: int, old_root: bytes, rest: list[bytes]) -> tuple[bytes, bytes]:
    """Give the old and the new root that a path leads to."""
    while node & 1:
        node, last = node >> 1, last >> 1
    if not rest and node:
        raise InconsistentError("the path is empty")
    found_old = found_new = rest.pop(0) if node else old_root
    for sibling in rest:
        if last == 0:
            raise InconsistentError("the path is too long")
        if node & 1 or node == last:
            found_old, found_new = node_hash(sibling, found_old), node_hash(sibling, found_new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found_new = node_hash(found_new, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise InconsistentError("the path is too short")
    return found_old, found_new


def _check_trivial(
    old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> None:
    """An empty tree is continued by every tree, and each tree by itself."""
    if path:
        raise InconsistentError("the path is too long")
    if old == new and old_root != new_root:
        raise InconsistentError("two roots of one size")
    if old == 0 and old_root != EMPTY_ROOT:
        raise InconsistentError("the root of the empty tree is another")
