"""What is held against the log before anything is signed."""

import pytest

from danbao.proofs.checkpoint import sign_checkpoint
from danbao.proofs.note import PrivateKey
from danbao.proofs.tree import root_of
from danbao.signing.errors import CheckpointBrokenError, LogRewrittenError, LogShorterError
from danbao.signing.witnesses import read_witness, refuse_other, refuse_shorter

KEY = PrivateKey.of_seed("log", bytes(32))
LEAVES = [bytes([n]) * 32 for n in range(4)]
NOTE = sign_checkpoint(KEY, 4, root_of(LEAVES))


def test_a_witness_of_a_known_key_is_one_and_of_a_lost_key_too() -> None:
    """Keys can be lost; what they signed still binds."""
    assert read_witness("file", NOTE, [KEY.public]).is_known
    assert not read_witness("file", NOTE, []).is_known


def test_what_is_no_checkpoint_or_is_wrongly_signed_stops_the_signer() -> None:
    """Somebody wrote to a place that only the signer writes to."""
    for broken in ("", "x", NOTE.replace("\n4\n", "\n5\n"), NOTE[:-8] + "AAAAAAA\n"):
        with pytest.raises(CheckpointBrokenError, match="topic"):
            read_witness("topic", broken, [KEY.public])


def test_a_log_that_is_shorter_or_another_one_is_refused() -> None:
    """Going on would sign a second history."""
    witness = read_witness("table", NOTE, [KEY.public])
    refuse_shorter([witness], 4)
    with pytest.raises(LogShorterError, match="table has a checkpoint of 4 events"):
        refuse_shorter([witness], 3)
    refuse_other([witness], 4, root_of(LEAVES))
    refuse_other([witness], 3, root_of(LEAVES[:3]))
    with pytest.raises(LogRewrittenError, match="the first 4 events"):
        refuse_other([witness], 4, root_of(LEAVES[::-1]))
