"""What the keys of a home promise to whoever signs, and to whoever checks."""

import stat
from pathlib import Path
from uuid import UUID

import pytest

from danbao.proofs.checkpoint import open_checkpoint, sign_checkpoint
from danbao.proofs.note import open_note
from danbao.proofs.tree import EMPTY_ROOT
from danbao.signing.errors import KeyExistsError, KeyMissingError, KeyUnsafeError
from danbao.signing.keys import KeyFolder, is_of_log, log_name

LOG = UUID("0058ec95-41e2-46bc-9048-02b39f6250ac")
OTHER = UUID("11111111-41e2-46bc-9048-02b39f6250ac")


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    """The keys of an empty home."""
    return KeyFolder(tmp_path)


def test_a_made_key_signs_under_the_name_of_its_log(folder: KeyFolder) -> None:
    """A checkpoint says which log it is of."""
    public = folder.generate(LOG)
    note = sign_checkpoint(folder.private(LOG), 0, EMPTY_ROOT)

    checkpoint, signer = open_checkpoint(note, [public])
    assert (checkpoint.origin, signer) == (log_name(LOG), public)


def test_a_private_key_is_for_its_owner_alone(folder: KeyFolder) -> None:
    """Who can read it can sign another history."""
    folder.generate(LOG)
    [path] = folder.path.glob("*.private")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700

    path.chmod(0o640)
    with pytest.raises(KeyUnsafeError):
        folder.private(LOG)


def test_no_text_but_its_file_shows_a_private_key(folder: KeyFolder) -> None:
    """Logs and tracebacks are read by many."""
    folder.generate(LOG)
    key = folder.private(LOG)
    [path] = folder.path.glob("*.private")
    secret = path.read_text().strip()
    assert key.seed.hex() not in repr(key)
    assert secret not in f"{key!r} {key.public} {folder.public()!r}"


def test_a_second_key_is_refused_and_another_log_has_its_own(folder: KeyFolder) -> None:
    """A key is replaced on purpose only."""
    first = folder.generate(LOG)
    with pytest.raises(KeyExistsError):
        folder.generate(LOG)
    second = folder.generate(OTHER)

    assert folder.private(LOG).public == first
    assert folder.private(OTHER).public == second
    assert {each.key for each in folder.public() if each.is_active} == {first, second}


def test_a_rotated_key_still_verifies_and_vouches_for_the_next(folder: KeyFolder) -> None:
    """Whoever trusts the old key can follow to the new one, and check what was signed before."""
    old = folder.generate(LOG)
    note = sign_checkpoint(folder.private(LOG), 0, EMPTY_ROOT)
    new = folder.rotate(LOG)

    assert folder.private(LOG).public == new
    assert [each.key for each in folder.public()] == [new, old]
    assert [each.is_active for each in folder.public()] == [True, False]
    assert open_checkpoint(note, [each.key for each in folder.public()])[1] == old
    handover = folder.handed_over_by(new)
    assert handover is not None
    assert open_note(handover, [old]) == (f"{new}\n", old)
    assert folder.handed_over_by(old) is None
    assert len(list(folder.path.glob("*.private"))) == 1


def test_a_new_history_has_a_name_that_was_never_used(folder: KeyFolder) -> None:
    """Two histories under one name would be a fork."""
    first = folder.generate(LOG)
    second = folder.generate(LOG, is_new_history=True)
    third = folder.generate(LOG, is_new_history=True)

    names = [first.name, second.name, third.name]
    assert names == [log_name(LOG), f"{log_name(LOG)}/2", f"{log_name(LOG)}/3"]
    assert all(is_of_log(name, log_name(LOG)) for name in names)
    assert folder.private(LOG).public == third


def test_a_key_that_is_missing_or_of_another_log_is_named(folder: KeyFolder) -> None:
    """An operator sees which file to bring back."""
    with pytest.raises(KeyMissingError, match=str(LOG)):
        folder.private(LOG)
    with pytest.raises(KeyMissingError):
        folder.rotate(LOG)
    folder.generate(OTHER)
    (folder.path / f"{OTHER}.0.private").rename(folder.path / f"{LOG}.0.private")
    with pytest.raises(KeyUnsafeError, match="another log"):
        folder.private(LOG)
    (folder.path / f"{LOG}.0.private").write_text("PRIVATE+KEY+no\n")
    with pytest.raises(KeyUnsafeError, match="holds no private key"):
        folder.private(LOG)
