"""Leaves: the hashes of a row of the log (contract, "Leaf hash")."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from struct import Struct

import msgspec

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_encode = msgspec.json.Encoder().encode
_numbers = Struct(">cqqq").pack


def row_hash(fields: tuple[object, ...]) -> bytes:
    """Hash of a log row's fields; msgspec writes strings, integers and null as RFC 8785 does."""
    return sha256(_encode(fields)).digest()


def leaf_hash(shard: int, position: int, micros: int, row: bytes) -> bytes:
    """Finish a leaf from the hash of its row."""
    return sha256(_numbers(b"\x00", shard, position, micros) + row).digest()


def micros_of(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - EPOCH) // timedelta(microseconds=1)
