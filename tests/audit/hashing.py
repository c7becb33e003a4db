"""Row hash, leaf hash and tree, by the byte recipe of the contract ("Leaf hash")."""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from .canonical import string

if TYPE_CHECKING:
    from .rows import Row

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
DAY_S: Final = 86_400
SECOND_US: Final = 1_000_000
EMPTY_ROOT: Final = sha256(b"").digest()

_PLACE: Final = struct.Struct(">cqqq")


def row_hash(row: Row) -> bytes:
    """SHA-256 of the compact JSON array of the row's eleven hashed columns, in their order."""
    fields = ",".join(
        (
            string(row.stream),
            str(row.version),
            string(row.type),
            _scalar(row.schema_version),
            string(row.partition_key),
            string(row.event_id),
            _scalar(row.causation_id),
            _scalar(row.correlation_id),
            _scalar(row.actor),
            string(row.data),
            _scalar(row.postings),
        ),
    )
    return sha256(f"[{fields}]".encode()).digest()


def leaf_hash(row: Row, hashed: bytes) -> bytes:
    """SHA-256 of 0x00, shard, position, microseconds since 1970 (int64, big-endian), row hash."""
    place = _PLACE.pack(b"\0", row.shard, row.position, microseconds(row.recorded_at))
    return sha256(place + hashed).digest()


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970, exact (a float of seconds would not be)."""
    since = moment - EPOCH
    return (since.days * DAY_S + since.seconds) * SECOND_US + since.microseconds


class Tree:
    """The RFC 6962 tree over leaves that come one by one; it keeps only its right edge."""

    def __init__(self) -> None:
        """Start with no leaf."""
        self.size = 0
        self._edge: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add the next leaf and merge the full subtrees it completes."""
        size, edge = self.size, self._edge
        while size & 1:
            leaf = sha256(b"\1" + edge.pop() + leaf).digest()
            size >>= 1
        edge.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Return the root over all leaves so far."""
        if not self._edge:
            return EMPTY_ROOT
        root = self._edge[-1]
        for left in reversed(self._edge[:-1]):
            root = sha256(b"\1" + left + root).digest()
        return root


def _scalar(value: str | int | None) -> str:
    """Write a column as JSON: SQL null as null, a number as a number."""
    if value is None:
        return "null"
    return string(value) if isinstance(value, str) else str(value)
