"""Consistency: a tree that continues another is accepted, any other history is refused."""

import pytest
from tests.unit.proofs.trees import (
    LEAVES,
    MANY,
    ROOTS,
    SIZE_MAX,
    SIZES,
    proof_between,
    tree_hash,
)

from danbao.proofs.consistency import check_consistency, consistency_stretches
from danbao.proofs.errors import InconsistentError
from danbao.proofs.tree import gather

PUBLIC = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}  # the vectors of the Certificate Transparency test suites


@pytest.mark.parametrize(("old", "new"), PUBLIC)
def test_paths_are_those_of_the_public_test_suites(old: int, new: int) -> None:
    """Any checker of transparency logs reads our paths."""
    stretches = consistency_stretches(old, new)
    found = gather(LEAVES[:new], stretches)
    path = [found[each] for each in stretches]

    assert [node.hex() for node in path] == PUBLIC[old, new]
    check_consistency(old, new, ROOTS[old], ROOTS[new], path)


def test_every_pair_of_sizes_up_to_200_is_proved() -> None:
    """No pair of checkpoints is special."""
    roots = [tree_hash(MANY[:size]) for size in range(SIZE_MAX + 1)]
    for new in range(1, SIZE_MAX + 1):
        for old in {1, new // 2, new - 1, new, *(size for size in SIZES if size <= new)} - {0}:
            path = proof_between(old, MANY[:new])
            stretches = consistency_stretches(old, new)
            assert [tree_hash(MANY[slice(*each)]) for each in stretches] == path
            check_consistency(old, new, roots[old], roots[new], path)


@pytest.mark.parametrize("new", SIZES)
def test_everything_continues_the_empty_log(new: int) -> None:
    """The first checkpoint has nothing before it."""
    check_consistency(0, new, ROOTS[0], tree_hash(MANY[:new]), [])


def test_another_history_is_refused() -> None:
    """A rewritten, truncated or forked log does not continue what was signed."""
    for old in [size for size in SIZES[1:] if size < SIZE_MAX]:
        rewritten = [*MANY[: old - 1], MANY[old - 1][::-1], *MANY[old:]]
        for new in {old, old + 1, SIZE_MAX}:
            with pytest.raises(InconsistentError):
                check_consistency(
                    old,
                    new,
                    tree_hash(MANY[:old]),
                    tree_hash(rewritten[:new]),
                    proof_between(old, rewritten[:new]),
                )


def test_nothing_else_is_proved() -> None:
    """Wrong roots and sizes; paths cut, longer, swapped, or with one bit changed."""
    for old in SIZES[1:]:
        for new in [size for size in SIZES if size >= old]:
            roots = tree_hash(MANY[:old]), tree_hash(MANY[:new])
            right = proof_between(old, MANY[:new])
            wrong = [
                (old, new, roots[0][::-1], roots[1], right),
                (old, new, roots[0], roots[1][::-1], right),
                (old, new, *roots, [*right, roots[0]]),
                (old, new, *roots, [roots[0], *right]),
                (old, old - 1, *roots, right),
                (-1, new, *roots, right),
            ]
            for number, node in enumerate(right):
                changed = bytes([node[0] ^ 4, *node[1:]])
                wrong += [
                    (old, new, *roots, right[:number]),
                    (old, new, *roots, [*right[:number], *right[number + 1 :]]),
                    (old, new, *roots, [*right[:number], changed, *right[number + 1 :]]),
                ]
            if new > old:
                wrong += [(old, new, roots[1], roots[0], right), (0, new, *roots, right)]
            for arguments in wrong:
                with pytest.raises(InconsistentError):
                    check_consistency(*arguments)


def test_a_smaller_log_continues_nothing() -> None:
    """A log that was cut cannot be made to look whole."""
    with pytest.raises(ValueError, match="cannot continue"):
        consistency_stretches(5, 4)
