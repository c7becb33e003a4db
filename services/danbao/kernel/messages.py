"""What the kernel works on: records as they come, messages as they are decided, rows as written."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeAlias
from uuid import UUID

import msgspec

from danbao.contracts.decider import Wish
from danbao.contracts.rejection import Rejected

Headers: TypeAlias = Sequence[tuple[str, bytes]]


class TopicPartition(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


EVENTS_SUFFIX = ".events"


def is_events_topic(place: TopicPartition) -> bool:
    """Tell an events topic from a command topic."""
    return place.topic.endswith(EVENTS_SUFFIX)


class Record(msgspec.Struct, frozen=True):
    """A Kafka record as it came."""

    place: TopicPartition
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class Cause(msgspec.Struct, frozen=True):
    """Where an event comes from: its direct cause and the conversation it belongs to."""

    id: str
    correlation_id: str
    partition_key: str
    actor: str | None = None
    traceparent: str | None = None


class CommandBody(msgspec.Struct, frozen=True):
    """What makes a command the same as another: type, key, actor and data, canonical."""

    type: str
    text: str
    sha256: bytes


class Message(msgspec.Struct, frozen=True):
    """One record, read: wishes to decide, or else the refusal it already earned.

    `command` is None for events of other services, whose wishes are reactions.
    """

    record: Record
    cause: Cause
    wishes: tuple[Wish, ...] = ()
    command: CommandBody | None = None
    refusal: Rejected | None = None
    sequence: int = 0


class DeadLetter(msgspec.Struct, frozen=True):
    """A record set aside, with the reason; it holds nothing back."""

    record: Record
    reason: str
    detail: str
    partition_key: str | None = None


class KeptLetter(msgspec.Struct, frozen=True):
    """A dead letter as it is kept: nobody has retried or discarded it yet."""

    id: int
    record: Record
    reason: str
    is_requested: bool
    """Somebody asked for it to be tried again."""


class Row(msgspec.Struct):
    """A row of the log before it has a position; its fields are columns, in their order."""

    stream: str
    version: int
    type: str
    schema_version: int
    partition_key: str
    event_id: str
    causation_id: str
    correlation_id: str
    actor: str | None
    traceparent: str | None
    data: str
    postings: str | None
    row_hash: bytes


class LogRow(msgspec.Struct, frozen=True):
    """A row of the log as it stands there."""

    shard: int
    position: int
    stream: str
    version: int
    type: str
    schema_version: int
    partition_key: str
    event_id: str
    causation_id: str
    correlation_id: str
    actor: str | None
    traceparent: str | None
    recorded_at: datetime
    data: str
    postings: str | None


Numbered: TypeAlias = tuple[TopicPartition, int, LogRow]
"""A row with its partition, and the position before it there."""


class Answer(msgspec.Struct, frozen=True):
    """An inbox row: a command and which of the batch's events answer it (1 is the first)."""

    message_id: str
    body: CommandBody
    partition_key: str
    actor: str | None
    first: int
    last: int


class TimerRow(msgspec.Struct, frozen=True):
    """A deadline as the scheduler will send it; its fields are columns, in their order."""

    timer_id: str
    stream: str
    due_at: datetime
    type: str
    partition_key: str
    correlation_id: str
    data: str


class StoredStream(msgspec.Struct, frozen=True):
    """A stream's state as it stands in the cache; version 0 is a stream about to begin."""

    version: int
    fold_version: int
    state: str | None


BEGINNING = StoredStream(0, 0, None)
"""What a stream that is not there stands at."""


class StateChange(msgspec.Struct, frozen=True):
    """A stream's next state, replacing the one of `expected_version`; its fields are columns."""

    stream: str
    expected_version: int
    version: int
    fold_version: int
    state: str


class Offset(msgspec.Struct, frozen=True):
    """How far a service has read one partition."""

    epoch: int
    next_offset: int
    last_sequence: int = 0
    anchor_offset: int | None = None
    anchor: bytes | None = None


class Locked(msgspec.Struct, frozen=True):
    """What a batch locks and reads first, in one round trip."""

    offsets: dict[TopicPartition, Offset]
    """Partitions never claimed are absent."""
    answers: dict[str, bytes]
    """Body hashes of the commands that were answered before, by command id."""
    streams: dict[str, StoredStream]


@dataclass(slots=True)
class Writes:
    """All that one batch changes, in one transaction."""

    now: datetime
    incarnation: UUID
    offsets: dict[TopicPartition, Offset] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    states: list[StateChange] = field(default_factory=list)
    unused_streams: list[str] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    balances: dict[tuple[str, str], int] = field(default_factory=dict)
    timers_set: dict[str, TimerRow] = field(default_factory=dict)
    timers_cancelled: set[str] = field(default_factory=set)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    letters_retried: list[int] = field(default_factory=list)
    """Dead letters that were handled after all."""
    letters_failed: dict[int, DeadLetter] = field(default_factory=dict)
    """Dead letters that were tried again in vain, with the new reason."""
