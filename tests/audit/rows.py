"""The raw rows an audit reads, as plain values.

They mirror the tables and the Kafka envelope of the wire contract ("Tables that others may
read", "Envelope") and nothing else. UUIDs are lower-case text, because that is how the
contract hashes them; times are aware datetimes; hashes are bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(slots=True)
class Row:
    """One row of `danbao.event_log`, in the order of its columns in the contract."""

    shard: int
    position: int
    stream: str
    version: int
    type: str
    schema_version: int
    partition_key: str
    event_id: str
    causation_id: str | None
    correlation_id: str | None
    actor: str | None
    traceparent: str | None
    recorded_at: datetime
    data: str
    postings: str | None
    row_hash: bytes
    leaf_hash: bytes


@dataclass(slots=True)
class Head:
    """One row of `danbao.log_heads`: how far a shard has been written."""

    shard: int
    position: int
    recorded_at: datetime | None = None


@dataclass(slots=True)
class Checkpoint:
    """One row of `danbao.log_checkpoints`: the tree root over the first `size` leaves."""

    shard: int
    size: int
    root: bytes


@dataclass(slots=True)
class InboxRow:
    """One row of `danbao.inbox`: a command and the block of events that answers it."""

    message_id: str
    body_sha256: bytes
    service: str
    type: str
    partition_key: str
    actor: str | None
    body: str
    first_position: int | None
    last_position: int | None


@dataclass(slots=True)
class Offset:
    """One row of `danbao.consumer_offsets`: how far a service has read a partition."""

    service: str
    topic: str
    partition: int
    next_offset: int
    last_sequence: int
    anchor_offset: int | None


@dataclass(slots=True)
class Timer:
    """One row of `danbao.timers`: a deadline that runs, and the command it sends."""

    timer_id: str
    stream: str
    type: str
    due_at: datetime


Letter = tuple[str, str, int, int]
"""Service, topic, partition and offset of a dead letter of a topic that still is."""


@dataclass(slots=True)
class Record:
    """One record of a topic, as a read-committed consumer saw it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    partition_count: int


@dataclass(slots=True)
class Line:
    """One command of a command file: its id and the body the contract makes of it."""

    message_id: str
    body: str


ReadRow = dict[str, Any]
"""One row of a read model, by column name."""


@dataclass(slots=True)
class Posting:
    """One posting of a log row: `debit` gains on its debit side what `credit` gives."""

    debit: str
    credit: str
    minor: int
    currency: str


@dataclass(slots=True)
class Event:
    """A log row with its texts parsed once, so that each check need not do it again.

    `sound` is False when a text is not what the contract says (`log.data`, `log.fields`,
    `ledger.posting` report it); folds then leave the row out instead of failing on it.
    """

    row: Row
    service: str
    name: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    postings: tuple[Posting, ...] = ()
    sound: bool = True
