"""What was signed before, held against a log: the check that nothing is signed without (pure).

A witness is the newest checkpoint of one place: the table, the file, the topic.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from danbao.proofs.checkpoint import Checkpoint, open_checkpoint, peek_checkpoint
from danbao.proofs.errors import ProofError, UnknownKeyError
from danbao.proofs.note import PublicKey
from danbao.signing.errors import CheckpointBrokenError, LogRewrittenError, LogShorterError


class Witness(NamedTuple):
    """A checkpoint and where it was kept."""

    place: str
    checkpoint: Checkpoint
    note: str
    is_known: bool
    """A key of this home signed it."""


def read_witness(place: str, note: str, keys: Iterable[PublicKey]) -> Witness:
    """Read a note that was kept.

    Raises:
        CheckpointBrokenError: it is none, or a signature is wrong.
    """
    try:
        try:
            return Witness(place, open_checkpoint(note, keys)[0], note, is_known=True)
        except UnknownKeyError:
            return Witness(place, peek_checkpoint(note), note, is_known=False)
    except ProofError as error:
        raise CheckpointBrokenError(f"the last checkpoint in the {place}: {error}") from error


def refuse_shorter(witnesses: Sequence[Witness], head: int) -> None:
    """Go on only when the log has all that was signed.

    Raises:
        LogShorterError: it ends before.
    """
    for place, checkpoint, *_ in witnesses:
        if checkpoint.size > head:
            raise LogShorterError(
                f"the {place} has a checkpoint of {checkpoint.size} events, but the log ends at "
                f"position {head}"
            )


def refuse_other(witnesses: Iterable[Witness], size: int, root: bytes) -> None:
    """Go on only when the log's first `size` leaves are those that were signed.

    Raises:
        LogRewrittenError: they come to another root.
    """
    for place, checkpoint, *_ in witnesses:
        if checkpoint.size == size and checkpoint.root != root:
            raise LogRewrittenError(
                f"the first {size} events are not those of the checkpoint in the {place}"
            )
