"""Signed notes with Ed25519 keys (C2SP signed-note): texts that say who has signed them.

A key is written as Go's note package writes it: `<name>+<id>+<base64 of 0x01 and the key>`, a
private one with `PRIVATE+KEY+` before it and the seed in place of the public key.
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from danbao.proofs.errors import MalformedError, SignatureError, UnknownKeyError

ED25519 = b"\x01"
KEY_BYTES = 32
PRIVATE = "PRIVATE+KEY+"
SIGNATURE_LINE = "— "
SIGNATURES_MAX = 100


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Who may have signed: a name and an Ed25519 key."""

    name: str
    raw: bytes

    @property
    def id(self) -> bytes:
        """The first four bytes of the hash of name and key."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.raw).digest()[:4]

    def __str__(self) -> str:
        """The key as one line of text."""
        return f"{self.name}+{self.id.hex()}+{_encode(ED25519 + self.raw)}"


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """Signs notes."""

    public: PublicKey
    seed: bytes = field(repr=False)

    @classmethod
    def of_seed(cls, name: str, seed: bytes) -> "PrivateKey":
        """Make the key of a seed.

        Raises:
            MalformedError: the name cannot stand in a note.
        """
        check_name(name)
        key = Ed25519PrivateKey.from_private_bytes(seed)
        return cls(PublicKey(name, key.public_key().public_bytes_raw()), seed)

    def sign(self, text: str) -> str:
        """Give the note: the text with its signature.

        Raises:
            MalformedError: the text cannot be signed.
        """
        check_text(text)
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())
        line = f"{SIGNATURE_LINE}{self.public.name} {_encode(self.public.id + signature)}\n"
        return f"{text}\n{line}"

    def secret_text(self) -> str:
        """The private key as one line of text, to be kept in a file that only its owner reads."""
        return f"{PRIVATE}{self.public.name}+{self.public.id.hex()}+{_encode(ED25519 + self.seed)}"


def parse_public(text: str) -> PublicKey:
    """Read a public key.

    Raises:
        MalformedError: it is none.
    """
    name, id_, raw = _parse_key(text)
    key = PublicKey(name, raw)
    if key.id.hex() != id_:
        raise MalformedError("the id of the public key is not that of its name and bytes")
    return key


def parse_private(text: str) -> PrivateKey:
    """Read a private key.

    Raises:
        MalformedError: it is none.
    """
    if not text.startswith(PRIVATE):
        raise MalformedError("a private key begins with PRIVATE+KEY+")
    name, id_, seed = _parse_key(text.removeprefix(PRIVATE))
    key = PrivateKey.of_seed(name, seed)
    if key.public.id.hex() != id_:
        raise MalformedError("the id of the private key is not that of its public key")
    return key


def open_note(note: str, keys: Iterable[PublicKey]) -> tuple[str, PublicKey]:
    """Give the text of a note and the trusted key that signed it.

    Raises:
        MalformedError: it is no note.
        UnknownKeyError: no trusted key has signed it.
        SignatureError: a trusted key's signature is wrong.
    """
    text, signatures = split_note(note)
    trusted = {(key.name, key.id): key for key in keys}
    signer = None
    for name, value in signatures:
        key = trusted.get((name, value[:4]))
        if key is None:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key.raw).verify(value[4:], text.encode())
        except (InvalidSignature, ValueError) as error:
            raise SignatureError(f"the signature of {name} is wrong") from error
        signer = signer or key
    if signer is None:
        names = ", ".join(sorted({f"{name}+{value[:4].hex()}" for name, value in signatures}))
        raise UnknownKeyError(f"signed by no trusted key, but by {names}")
    return text, signer


def split_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Give text and signatures of a note, nothing of it verified.

    Raises:
        MalformedError: it is no note.
    """
    text, separator, rest = note.rpartition("\n\n")
    if not separator or not rest.endswith("\n"):
        raise MalformedError("a note is a text, an empty line, and lines of signatures")
    text += "\n"
    check_text(text)
    lines = rest.removesuffix("\n").split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise MalformedError(f"more than {SIGNATURES_MAX} signatures")
    return text, [_parse_signature(line) for line in lines]


def check_text(text: str) -> None:
    """Check that a text can be signed.

    Raises:
        MalformedError: it cannot.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise MalformedError("not UTF-8") from error
    if not text.endswith("\n") or any(sign < " " and sign != "\n" for sign in text):
        raise MalformedError("a text ends with a line end and has no other control character")


def check_name(name: str) -> None:
    """Check that a name can be that of a key.

    Raises:
        MalformedError: it cannot.
    """
    if not name or "+" in name or any(sign.isspace() or not sign.isprintable() for sign in name):
        raise MalformedError(f"no name for a key: {name!r}")


def _parse_signature(line: str) -> tuple[str, bytes]:
    name, _, value = line.removeprefix(SIGNATURE_LINE).partition(" ")
    if not line.startswith(SIGNATURE_LINE):
        raise MalformedError("a line of a signature begins with a dash and a space")
    check_name(name)
    decoded = decode_base64(value)
    if len(decoded) <= 4:  # noqa: PLR2004 - the key's id alone
        raise MalformedError("a signature is too short")
    return name, decoded


def _parse_key(text: str) -> tuple[str, str, bytes]:
    name, _, rest = text.strip().partition("+")
    id_, _, value = rest.partition("+")
    check_name(name)
    raw = decode_base64(value)
    if raw[:1] != ED25519 or len(raw) != 1 + KEY_BYTES:
        raise MalformedError("no Ed25519 key")
    return name, id_, raw[1:]


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def decode_base64(text: str) -> bytes:
    """Decode the one way in which bytes are written in base 64.

    Raises:
        MalformedError: it is not written so.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedError("not base 64") from error
    if _encode(raw) != text:
        raise MalformedError("not base 64 as it is always written")
    return raw
