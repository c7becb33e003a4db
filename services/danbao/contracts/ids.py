"""Derived ids: UUIDv5 (RFC 9562), so that a replay makes the same ones."""

from hashlib import sha1

VARIANTS = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
"""What becomes of the digit that says which kind of UUID it is."""


def derived_id(namespace: bytes, name: str) -> str:
    """UUIDv5 of a name, lower case; `namespace` is the 16 bytes of a UUID."""
    text = sha1(namespace + name.encode(), usedforsecurity=False).hexdigest()
    variant = VARIANTS[text[16]]
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"
