"""What the file of checkpoints promises when the machine stops in the middle of a note."""

from pathlib import Path

import pytest

from danbao.proofs.checkpoint import peek_checkpoint, sign_checkpoint
from danbao.proofs.note import PrivateKey
from danbao.proofs.tree import root_of
from danbao.signing.checkpoint_file import TAIL_BYTES, CheckpointFile, split_file

KEY = PrivateKey.of_seed("log", bytes(32))
OTHER = PrivateKey.of_seed("other", bytes(32))


def note(size: int, key: PrivateKey = KEY) -> str:
    """A checkpoint of so many leaves."""
    return sign_checkpoint(key, size, root_of([bytes(32)] * min(size, 3)))


@pytest.fixture
def file(tmp_path: Path) -> CheckpointFile:
    """A file that is not there yet."""
    return CheckpointFile.of_home(tmp_path)


def test_notes_are_given_back_as_they_were_signed(file: CheckpointFile) -> None:
    """A changed byte would break each signature."""
    notes = [note(1), note(2), note(3, OTHER)]
    for each in notes:
        file.append(each)
    assert list(split_file(file.path.read_bytes())) == notes
    assert (file.last("log"), file.last("other"), file.last("third")) == (notes[1], notes[2], None)


def test_without_a_file_nothing_was_signed(file: CheckpointFile) -> None:
    """The first start of a home."""
    assert file.last("log") is None


def test_a_note_that_was_cut_short_anywhere_makes_room_for_the_next(file: CheckpointFile) -> None:
    """A machine that stops does so at any byte."""
    first, second, third = (note(size) for size in (1, 2, 3))
    file.append(first)
    begin = file.path.stat().st_size
    file.append(second)
    whole = file.path.read_bytes()
    for length in range(begin, len(whole)):
        file.path.write_bytes(whole[:length])
        assert file.last("log") == first
        file.append(third)
        assert list(split_file(file.path.read_bytes())) == [first, third]


def test_the_last_note_of_a_log_is_found_behind_many_of_another(file: CheckpointFile) -> None:
    """Two logs may share a home."""
    file.append(note(7))
    count = 5 * TAIL_BYTES // len(note(1, OTHER))
    with file.path.open("a") as out:
        out.write("".join(f"{note(size, OTHER)}\n" for size in range(1, count)))
    found = file.last("log")
    assert found is not None
    assert peek_checkpoint(found).size == 7
