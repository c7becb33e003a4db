"""What checkpoints say of a log that was changed, and how its stretches become one tree."""

from danbao.proofs.checkpoint import sign_checkpoint
from danbao.proofs.note import PrivateKey
from danbao.proofs.tree import Frontier, root_of
from danbao.verification.checkpoints import Collection, within
from danbao.verification.problems import Found, Problem, in_order
from danbao.verification.rows import Stretch
from danbao.verification.verify import join_trees

KEY = PrivateKey.of_seed("log", bytes(32))
LATER = PrivateKey.of_seed("log/2", bytes(31) + b"\x01")
OTHER = PrivateKey.of_seed("other", bytes(32))
LEAVES = [bytes([n]) * 32 for n in range(20)]
ROOTS = {size: root_of(LEAVES[:size]) for size in range(21)}


def note(size: int, key: PrivateKey = KEY) -> str:
    """A checkpoint of the good log."""
    return sign_checkpoint(key, size, ROOTS[size])


def collection(*notes: str, key: PrivateKey = KEY) -> Collection:
    """Checkpoints that were kept outside."""
    made = Collection("log", (key.public,))
    for each in notes:
        made.add("outside", each)
    return made


def test_the_log_that_was_signed_is_good() -> None:
    """Nothing is found where nothing is wrong."""
    kept = collection(note(0), note(5), note(20))
    kept.compare(ROOTS, 20)
    assert kept.found == Found(checked=3)
    assert kept.sizes(10) == [0, 5]


def test_a_change_is_named_by_the_checkpoints_around_it() -> None:
    """The denser they are, the less has to be looked at."""
    changed = [*LEAVES[:12], bytes(32), *LEAVES[13:]]
    roots = {size: root_of(changed[:size]) for size in range(21)}
    kept = collection(note(20), note(5), note(12), note(15))
    kept.compare(roots, 20)
    assert [(p.code, p.position) for p in kept.found.problems] == [("log_rewritten", 13)] * 2


def test_a_log_that_ends_before_what_was_signed_was_cut() -> None:
    """The position is the first that is gone."""
    kept = collection(note(5), note(15))
    kept.compare(ROOTS, 10)
    assert [(p.code, p.position) for p in kept.found.problems] == [("log_cut", 11)]


def test_checkpoints_of_lost_keys_are_compared_and_counted() -> None:
    """A key may be lost; the root still is what it is."""
    kept = collection(note(5), key=OTHER)
    kept.compare({5: bytes(32)}, 20)
    assert kept.unknown == 1
    assert [p.code for p in kept.found.problems] == ["log_rewritten"]


def test_another_log_is_no_witness_and_a_later_history_is_one() -> None:
    """A topic or a file may hold checkpoints of several logs."""
    kept = collection(note(5, OTHER), note(6, LATER))
    assert [each.checkpoint.size for each in kept.kept] == [6]


def test_what_is_broken_or_says_something_else_than_its_place_is_found() -> None:
    """Whoever writes to the table does not write to the note."""
    kept = collection(note(5).replace("\n5\n", "\n6\n"), "nothing")
    kept.add("the table", note(5), 6, ROOTS[5])
    assert [p.code for p in kept.found.problems] == ["checkpoint_broken"] * 3


def test_stretches_in_any_cut_come_to_the_roots_of_the_whole() -> None:
    """Several processes make one tree."""
    stretches = []
    for start in range(0, 20, 8):
        end, tree, marks = min(start + 8, 20), Frontier(), {}
        for position in range(start + 1, end + 1):
            tree.append(LEAVES[position - 1])
            marks[position] = list(tree.nodes)
        stretches.append(Stretch(start, end, Found(), list(tree.nodes), marks))
    root, roots = join_trees(stretches)
    assert root == ROOTS[20]
    assert roots == ROOTS


def test_problems_are_told_by_position_and_the_rest_is_counted() -> None:
    """Somebody begins at the first, and a million need not be shown."""
    found = Found()
    for position in range(30, 0, -1):
        found.add("row_changed", "", position)
    found.add("balance_wrong", "")
    assert (found.count, len(found.problems)) == (31, 20)
    problems = [Problem("a", "", None), Problem("b", "", 2), Problem("c", "", 1)]
    assert [each.code for each in in_order(problems)] == ["c", "b", "a"]
    assert within([1, 5, 6], 1, 5) == [5]
