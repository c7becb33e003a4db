"""The tree, node by node, against the definition and the public vectors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.proofs.trees import LEAVES, MANY, ROOTS, SIZE_MAX, SIZES, tree_hash

from danbao.proofs.tree import Frontier, Stretch, gather, perfect_nodes, root_of


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_roots_are_those_of_the_public_test_suites(size: int) -> None:
    """A stranger's own tree code finds the same root."""
    assert root_of(LEAVES[:size]) == ROOTS[size]


def test_every_size_up_to_200_has_the_root_of_the_definition() -> None:
    """The fast way and the definition agree."""
    frontier = Frontier()
    for size in range(SIZE_MAX + 1):
        assert frontier.root() == tree_hash(MANY[:size])
        if size < SIZE_MAX:
            frontier.append(MANY[size])


def test_a_frontier_that_was_put_away_goes_on_as_before() -> None:
    """A checkpointer that starts again need not read what it has read."""
    for size in range(SIZE_MAX):
        first = Frontier()
        first.extend(MANY[:size])
        second = Frontier(first.size, first.nodes)
        second.extend(MANY[size:])

        assert second.root() == tree_hash(MANY)


def test_a_frontier_with_too_many_nodes_is_none() -> None:
    """What was stored is looked at before it is believed."""
    with pytest.raises(ValueError, match="not the frontier of 3 leaves"):
        Frontier(3, MANY[:3])


@given(width=st.integers(0, 6), count=st.integers(0, SIZE_MAX))
def test_frontiers_of_pieces_join_to_the_frontier_of_the_whole(width: int, count: int) -> None:
    """Several processes read pieces of the log, and together have its tree."""
    piece = 1 << width
    whole = Frontier()
    for start in range(0, count, piece):
        part = Frontier()
        part.extend(MANY[start : min(start + piece, count)])
        whole.join(part.size, part.nodes)

    assert whole.size == count
    assert whole.root() == tree_hash(MANY[:count])


def test_hashes_of_stretches_are_gathered_in_one_pass() -> None:
    """Paths of many events cost one reading of the leaves."""
    stretches = [Stretch(0, 128), Stretch(128, 192), Stretch(192, 200), Stretch(6, 7)]

    assert gather(MANY, stretches) == {each: tree_hash(MANY[slice(*each)]) for each in stretches}


@pytest.mark.parametrize("size", SIZES)
def test_perfect_nodes_cover_a_stretch_without_gaps(size: int) -> None:
    """Each leaf is below one of them."""
    covered = [
        leaf
        for level, index in perfect_nodes(Stretch(0, size))
        for leaf in range(index << level, (index + 1) << level)
    ]

    assert covered == list(range(size))
