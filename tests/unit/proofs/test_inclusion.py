"""Inclusion paths: made right, and refused for whatever is wrong with them."""

from itertools import product

import pytest
from tests.unit.proofs.trees import LEAVES, MANY, ROOTS, SIZE_MAX, SIZES, path_of, tree_hash

from danbao.proofs.errors import InconsistentError
from danbao.proofs.inclusion import check_inclusion, inclusion_stretches
from danbao.proofs.tree import Frontier, gather

PUBLIC = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}  # the vectors of the Certificate Transparency test suites


def path(index: int, size: int) -> list[bytes]:
    """The path that the engine makes."""
    stretches = inclusion_stretches(index, size)
    found = gather(MANY[:size], stretches)
    return [found[each] for each in stretches]


@pytest.mark.parametrize(("index", "size"), PUBLIC)
def test_paths_are_those_of_the_public_test_suites(index: int, size: int) -> None:
    """Any checker of transparency logs reads our paths."""
    stretches = inclusion_stretches(index, size)
    found = gather(LEAVES[:size], stretches)

    assert [found[each].hex() for each in stretches] == PUBLIC[index, size]
    check_inclusion(LEAVES[index], index, size, [found[each] for each in stretches], ROOTS[size])


@pytest.mark.slow
def test_every_leaf_of_every_tree_up_to_200_is_proved() -> None:
    """No size and no place is special."""
    frontier = Frontier()
    for size in range(1, SIZE_MAX + 1):
        frontier.append(MANY[size - 1])
        root = frontier.root()
        for index in range(size):
            made = path_of(index, MANY[:size])
            check_inclusion(MANY[index], index, size, made, root)
            if size in SIZES:
                assert path(index, size) == made


def test_nothing_else_is_proved() -> None:
    """Wrong root, leaf, place, size; paths cut, longer, swapped, or with one bit changed."""
    for size in SIZES[1:]:
        root = tree_hash(MANY[:size])
        for index in {0, size // 2, size - 1}:
            right = path_of(index, MANY[:size])
            leaf = MANY[index]
            wrong = [
                (leaf, index, size, right, tree_hash([*MANY[:size], leaf])),
                (leaf, index, size, right, leaf[::-1]),
                (root[::-1], index, size, right, root),
                (leaf, index, size, [*right, root], root),
                (leaf, index, size, [root, *right], root),
                (leaf, -1, size, right, root),
                (leaf, size, size, right, root),
                (leaf, index, 0, right, root),
            ]
            for number, sibling in enumerate(right):
                wrong += [
                    (leaf, index, size, [*right[:number], *right[number + 1 :]], root),
                    (leaf, index, size, right[:number], root),
                    (
                        leaf,
                        index,
                        size,
                        [*right[:number], flip(sibling), *right[number + 1 :]],
                        root,
                    ),
                ]
            if len(right) > 1:
                wrong.append((leaf, index, size, right[::-1], root))
            wrong += [(leaf, other, size, right, root) for other in range(size) if other != index]
            for arguments in wrong:
                with pytest.raises(InconsistentError):
                    check_inclusion(*arguments)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 5), (5, 5)])
def test_there_is_no_path_for_a_leaf_that_is_not_there(index: int, size: int) -> None:
    """A proof is made for what is in the log."""
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_stretches(index, size)


def test_a_path_does_not_prove_another_leaf() -> None:
    """Each event has its own proof."""
    root = tree_hash(MANY[:9])
    for index, other in product(range(9), repeat=2):
        if index != other:
            with pytest.raises(InconsistentError):
                check_inclusion(MANY[other], index, 9, path_of(index, MANY[:9]), root)


def flip(node: bytes) -> bytes:
    """Change one bit."""
    return bytes([node[0] ^ 4, *node[1:]])
