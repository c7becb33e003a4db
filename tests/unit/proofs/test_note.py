"""Notes, keys and checkpoints in the form that others write and read."""

from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danbao.proofs.checkpoint import (
    Checkpoint,
    open_checkpoint,
    parse_checkpoint,
    peek_checkpoint,
    sign_checkpoint,
)
from danbao.proofs.errors import MalformedError, ProofError, SignatureError, UnknownKeyError
from danbao.proofs.note import PrivateKey, open_note, parse_private, parse_public, split_note

NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NEUMANN_PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
NEUMANN_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
NEUMANN_NOTE = (
    NEUMANN_TEXT + "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotp"
    "RZb6KE6RyyBwJnAM=\n"
)
"""Keys and note of the documentation of Go's note package."""
BEHIND_THE_SOFA = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q"
    "1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)
"""The example of the specification of checkpoints."""

KEY = PrivateKey.of_seed("example.com/log", bytes(range(32)))
OTHER = PrivateKey.of_seed("example.com/log", bytes(range(1, 33)))


def test_a_note_of_others_is_opened() -> None:
    """The format is theirs, to the byte."""
    assert open_note(NEUMANN_NOTE, [parse_public(NEUMANN)])[0] == NEUMANN_TEXT


def test_a_key_of_others_signs_as_theirs_does() -> None:
    """Ed25519 signatures are the same wherever they are made."""
    key = parse_private(NEUMANN_PRIVATE)

    assert str(key.public) == NEUMANN
    assert key.secret_text() == NEUMANN_PRIVATE
    assert key.sign(NEUMANN_TEXT) == NEUMANN_NOTE


def test_a_secret_is_not_shown_by_accident() -> None:
    """Keys come into error reports and logs as they print themselves."""
    assert KEY.secret_text().rsplit("+", 1)[1] not in repr(KEY)
    assert "seed" not in repr(KEY)


def test_the_example_of_the_specification_is_read() -> None:
    """Anybody's checkpoint is read, whoever signed it."""
    checkpoint = peek_checkpoint(BEHIND_THE_SOFA)

    assert checkpoint.origin == "example.com/behind-the-sofa"
    assert checkpoint.size == 20852163
    assert checkpoint.root == b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    assert checkpoint.text() == split_note(BEHIND_THE_SOFA)[0]


def test_a_checkpoint_is_opened_with_an_old_key_and_a_new_one() -> None:
    """After a rotation, old checkpoints stay valid."""
    keys = [KEY.public, OTHER.public]
    for signer in (KEY, OTHER):
        note = sign_checkpoint(signer, 7, bytes(32))

        assert open_checkpoint(note, keys) == (
            Checkpoint("example.com/log", 7, bytes(32)),
            signer.public,
        )


def test_a_note_of_nobody_known_is_refused() -> None:
    """A name alone proves nothing."""
    with pytest.raises(UnknownKeyError):
        open_checkpoint(sign_checkpoint(OTHER, 7, bytes(32)), [KEY.public])
    with pytest.raises(UnknownKeyError):
        open_checkpoint(sign_checkpoint(KEY, 7, bytes(32)), [])


def test_a_wrong_signature_of_a_known_key_is_refused() -> None:
    """Even when another key has signed rightly."""
    note = sign_checkpoint(KEY, 7, bytes(32))
    with pytest.raises(SignatureError):
        open_checkpoint(note.replace("\n7\n", "\n8\n"), [KEY.public])
    forged = note + sign_checkpoint(OTHER, 8, bytes(32)).rpartition("\n\n")[2]
    with pytest.raises(SignatureError):
        open_checkpoint(forged, [KEY.public, OTHER.public])


def test_signatures_of_strangers_are_passed_over() -> None:
    """Witnesses may add theirs."""
    note = sign_checkpoint(KEY, 7, bytes(32))
    witnessed = note + PrivateKey.of_seed("witness", bytes(32)).sign("x\n").rpartition("\n\n")[2]

    assert open_checkpoint(witnessed, [KEY.public])[0].size == 7


def test_a_log_cannot_speak_for_another() -> None:
    """The first line of a checkpoint is the name of the key."""
    with pytest.raises(MalformedError):
        open_checkpoint(KEY.sign(Checkpoint("other", 1, bytes(32)).text()), [KEY.public])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        "a\n01\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "a\n+1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "a\n\u0661\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "a\n9223372036854775808\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "a\n1\nAAAA\n",
        "a\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n",
        "a\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "a\n1\n\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    """One form only: two readers never see two sizes."""
    with pytest.raises(MalformedError):
        parse_checkpoint(text)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "name",
        "name+00000000",
        NEUMANN.replace("c74f20a3", "c74f20a4"),
        NEUMANN.replace("ARpc", "AhpC"),
        NEUMANN.replace("Peter", "Paul"),
        NEUMANN[:-4],
        "Peter Neumann" + NEUMANN[12:],
    ],
)
def test_what_is_no_key_is_refused(key: str) -> None:
    """A slip in copying a key is found."""
    with pytest.raises(MalformedError):
        parse_public(key)
    with pytest.raises(MalformedError):
        parse_private("PRIVATE+KEY+" + key)


@given(st.integers(0, len(sign_checkpoint(KEY, 123, bytes(32)).encode()) - 1), st.integers(1, 255))
def test_changing_any_byte_of_a_checkpoint_is_found(place: int, change: int) -> None:
    """Signed is signed."""
    raw = bytearray(sign_checkpoint(KEY, 123, bytes(32)).encode())
    raw[place] ^= change
    with pytest.raises((ProofError, UnicodeDecodeError)):
        open_checkpoint(raw.decode(), [KEY.public])


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u3000b", "a\nb"])
def test_a_name_that_cannot_stand_in_a_note_is_refused(name: str) -> None:
    """The line of a signature is read by its spaces."""
    with pytest.raises(MalformedError):
        PrivateKey.of_seed(name, bytes(32))
