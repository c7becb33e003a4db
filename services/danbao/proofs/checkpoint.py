"""Checkpoints: the head of the log's tree in the form that transparency logs share (C2SP).

Three lines: the log's name (origin), the number of leaves, the root in base 64; signed as a note.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from danbao.proofs.errors import MalformedError
from danbao.proofs.note import PrivateKey, PublicKey, decode_base64, open_note, split_note
from danbao.proofs.tree import HASH_BYTES

SIZE_MAX = 2**63 - 1
LINES = 3


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's name, how many leaves it had, and the root of their tree."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def sign_checkpoint(key: PrivateKey, size: int, root: bytes) -> str:
    """Give the note of a tree head; the log is named as its key is."""
    return key.sign(Checkpoint(key.public.name, size, root).text())


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint.

    Raises:
        MalformedError: it is none.
    """
    lines = text.split("\n")
    if len(lines) < LINES + 1 or lines[-1] or not all(lines[:-1]):
        raise MalformedError("a checkpoint has three lines or more, none of them empty")
    origin, size, root = lines[:LINES]
    if not (size.isascii() and size.isdecimal()) or str(int(size)) != size or int(size) > SIZE_MAX:
        raise MalformedError(f"no number of leaves: {size[:30]!r}")
    raw = decode_base64(root)
    if len(raw) != HASH_BYTES:
        raise MalformedError("a root has 32 bytes")
    return Checkpoint(origin, int(size), raw)


def open_checkpoint(note: str, keys: Iterable[PublicKey]) -> tuple[Checkpoint, PublicKey]:
    """Give a checkpoint and the trusted key that signed it; the log must be named as the key is.

    Raises:
        ProofError: it is no checkpoint, or no trusted key has signed it.
    """
    text, key = open_note(note, keys)
    checkpoint = parse_checkpoint(text)
    if checkpoint.origin != key.name:
        raise MalformedError(f"a checkpoint of {checkpoint.origin}, signed by {key.name}")
    return checkpoint, key


def peek_checkpoint(note: str) -> Checkpoint:
    """Read a checkpoint without asking who signed it.

    Raises:
        MalformedError: it is none.
    """
    return parse_checkpoint(split_note(note)[0])
