"""Log rows as Kafka records: CloudEvents, binary mode (contract, "Envelope").

With its headers a record re-makes its log row, leaf hash included.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache

from aiokafka.partitioner import murmur2

from danbao.contracts.catalogue import service_of
from danbao.kernel.messages import LogRow, Numbered, Record, TopicPartition
from danbao.kernel.topics import events_topic

SPEC_VERSION = ("ce_specversion", b"1.0")
CONTENT_TYPE = ("content-type", b"application/json")
FLOWS_REMEMBERED = 100_000


@lru_cache(maxsize=FLOWS_REMEMBERED)
def partition_of(key: str, partitions: int) -> int:
    """Partition of a flow, as Kafka's own clients compute it (murmur2)."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % partitions)


@lru_cache(maxsize=1024)
def _type_headers(
    event_type: str, schema_version: int, shard: int
) -> tuple[tuple[str, bytes], ...]:
    service, name, _ = event_type.split(".")
    return (
        SPEC_VERSION,
        CONTENT_TYPE,
        ("ce_shard", str(shard).encode()),
        ("ce_type", event_type.encode()),
        ("ce_source", f"danbao/{service}".encode()),
        ("ce_schemaversion", str(schema_version).encode()),
        ("ce_dataschema", f"danbao:events/{service}/{name}.v{schema_version}".encode()),
    )


@lru_cache(maxsize=1024)
def _places(event_type: str, partitions: int) -> Sequence[TopicPartition]:
    topic = events_topic(service_of(event_type))
    return [TopicPartition(topic, partition) for partition in range(partitions)]


def place_of(row: LogRow, partitions: int) -> TopicPartition:
    """Topic and partition that a row belongs to."""
    return _places(row.type, partitions)[partition_of(row.partition_key, partitions)]


def number(
    rows: Iterable[LogRow],
    last: Mapping[TopicPartition, int],
    place_of: Callable[[LogRow], TopicPartition],
) -> tuple[list[Numbered], dict[TopicPartition, int]]:
    """Give each row its partition's previous position; skip what the partition holds.

    `last` is the last position that each partition holds; given back as it is with these rows.
    """
    after = dict(last)
    fresh: list[Numbered] = []
    for row in rows:
        place = place_of(row)
        previous = after[place]
        if row.position <= previous:
            continue
        fresh.append((place, previous, row))
        after[place] = row.position
    return fresh, after


def time_text(at: datetime) -> str:
    """RFC 3339 in UTC, to the microsecond."""
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


@lru_cache(maxsize=1024)
def _time_header(at: datetime) -> tuple[str, bytes]:
    """A transaction's events have one time."""
    return "ce_time", time_text(at).encode()


def row_of(record: Record) -> LogRow:
    """The log row that a record carries.

    Raises:
        LookupError: a header is missing.
        ValueError: a header is not what it should be.
    """
    texts = {name: (value or b"").decode() for name, value in record.headers}
    return LogRow(
        shard=int(texts["ce_shard"]),
        position=int(texts["ce_sequence"]),
        stream=texts["ce_subject"],
        version=int(texts["ce_streamversion"]),
        type=texts["ce_type"],
        schema_version=int(texts["ce_schemaversion"]),
        partition_key=texts["ce_partitionkey"],
        event_id=texts["ce_id"],
        causation_id=texts["ce_causationid"],
        correlation_id=texts["ce_correlationid"],
        actor=texts.get("ce_actor"),
        traceparent=texts.get("ce_traceparent"),
        recorded_at=datetime.fromisoformat(texts["ce_time"]).astimezone(UTC),
        data=(record.value or b"").decode(),
        postings=texts.get("ce_postings"),
    )


def event_headers(row: LogRow, previous: int) -> list[tuple[str, bytes]]:
    """Headers of the record of a log row; `previous` is the partition's previous position."""
    headers = [
        *_type_headers(row.type, row.schema_version, row.shard),
        _time_header(row.recorded_at),
        ("ce_id", row.event_id.encode()),
        ("ce_subject", row.stream.encode()),
        ("ce_partitionkey", row.partition_key.encode()),
        ("ce_sequence", str(row.position).encode()),
        ("ce_prevsequence", str(previous).encode()),
        ("ce_streamversion", str(row.version).encode()),
        ("ce_causationid", row.causation_id.encode()),
        ("ce_correlationid", row.correlation_id.encode()),
    ]
    if row.postings is not None:
        headers.append(("ce_postings", row.postings.encode()))
    if row.actor is not None:
        headers.append(("ce_actor", row.actor.encode()))
    if row.traceparent is not None:
        headers.append(("ce_traceparent", row.traceparent.encode()))
    return headers
