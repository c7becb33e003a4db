"""Kafka's events topics say what the log says (contract.md, "Envelope"; reliability.md, I7, C5).

Checks: `kafka.topic` (`danbao.<service>.events` of the row's service), `kafka.once` (each
position once), `kafka.missing` (none left out), `kafka.unknown` (none that is not in the
log), `kafka.order` (positions rise within a partition), `kafka.chain` (`ce_prevsequence` is
the position before it there, 0 for the first), `kafka.headers`, `kafka.key`, `kafka.value`
(all equal to the row, byte for byte), `kafka.partition` (one partition per key),
`kafka.murmur2` (the one that murmur2 gives).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from .hashing import microseconds
from .murmur import partition_of
from .parsing import split_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .report import Report
    from .rows import Head, Record, Row
    from .tables import Tables

Headers = dict[str, str]


class Relayed:
    """Follows each partition from its first record, with the log beside it."""

    def __init__(self, report: Report, tables: Tables, heads: Sequence[Head]) -> None:
        """Make room for one mark a position."""
        self._report = report
        self._tables = tables
        self._seen = {head.shard: bytearray(head.position + 1) for head in heads}
        self._previous: dict[tuple[str, int], int] = {}
        self._partitions: dict[tuple[str, str], int] = {}

    async def take(self, records: Sequence[Record]) -> None:
        """Compare a slice of records with their rows."""
        read = [(record, _headers(record)) for record in records]
        wanted: dict[int, list[int]] = {}
        for _, headers in read:
            shard, position = _place(headers)
            if shard in self._seen and position > 0:
                wanted.setdefault(shard, []).append(position)
        rows = {shard: await self._tables.at(shard, found) for shard, found in wanted.items()}
        for record, headers in read:
            shard, position = _place(headers)
            self._record(record, headers, shard, position, rows.get(shard, {}).get(position))

    def finish_at_rest(self) -> None:
        """Report the positions that no record carries, once the relay has nothing to do."""
        for shard, seen in self._seen.items():
            position = seen.find(0, 1)
            while position > 0:
                found = f"position {position} of shard {shard} in no topic"
                self._report.add("kafka.missing", "a record", found, position=position)
                position = seen.find(0, position + 1)

    def _record(
        self, record: Record, headers: Headers, shard: int, position: int, row: Row | None
    ) -> None:
        if row is None:
            self._told("kafka.unknown", record, position, "a row of the log", "none")
        elif position >= len(self._seen[shard]):
            return  # committed and relayed after the audit began
        else:
            if self._seen[shard][position]:
                self._told("kafka.once", record, position, "one record", "another")
            self._seen[shard][position] = 1
            self._compare(record, headers, row)
        lane = (record.topic, record.partition)
        before = self._previous.get(lane, 0)
        if position <= before:
            self._told("kafka.order", record, position, f"a position above {before}", position)
        if headers.get("ce_prevsequence") != str(before):
            found = headers.get("ce_prevsequence")
            self._told("kafka.chain", record, position, f"ce_prevsequence {before}", found)
        self._previous[lane] = position

    def _compare(self, record: Record, headers: Headers, row: Row) -> None:
        topic = f"danbao.{split_type(row.type)[0]}.events"
        if record.topic != topic:
            self._told("kafka.topic", record, row.position, topic, record.topic)
        key = row.partition_key.encode()
        if record.key != key:
            self._told("kafka.key", record, row.position, key, record.key)
        if record.value != row.data.encode():
            self._told("kafka.value", record, row.position, row.data, record.value)
        fault = _difference(headers, _wanted(row), row)
        if fault:
            self._told("kafka.headers", record, row.position, *fault)
        if len(headers) != len(record.headers):
            names = [name for name, _ in record.headers]
            self._told("kafka.headers", record, row.position, "each header once", names)
        known = self._partitions.get((record.topic, row.partition_key))
        if known is None:
            known = self._partitions[(record.topic, row.partition_key)] = record.partition
            right = partition_of(key, record.partition_count)
            if record.partition != right:
                self._told("kafka.murmur2", record, row.position, right, record.partition)
        if known != record.partition:
            self._told("kafka.partition", record, row.position, known, record.partition)

    def _told(
        self, check: str, record: Record, position: int, expected: object, found: object
    ) -> None:
        place = f"{record.topic}/{record.partition}@{record.offset}"
        self._report.add(check, expected, found, position=position, stream=place)


def _headers(record: Record) -> Headers:
    """Read the headers as UTF-8; a name that occurs twice is found by the count."""
    return {name: (value or b"").decode(errors="replace") for name, value in record.headers}


def _place(headers: Headers) -> tuple[int, int]:
    """Return shard and position, -1 where they cannot be read."""
    shard, position = headers.get("ce_shard", ""), headers.get("ce_sequence", "")
    return (
        int(shard) if shard.isdecimal() else -1,
        int(position) if position.isdecimal() else -1,
    )


def _wanted(row: Row) -> dict[str, str | None]:
    """Return the headers that follow from a row; None where there must be none."""
    return {
        "ce_specversion": "1.0",
        "content-type": "application/json",
        "ce_id": row.event_id,
        "ce_type": row.type,
        "ce_subject": row.stream,
        "ce_shard": str(row.shard),
        "ce_sequence": str(row.position),
        "ce_streamversion": str(row.version),
        "ce_schemaversion": str(row.schema_version),
        "ce_partitionkey": row.partition_key,
        "ce_causationid": row.causation_id,
        "ce_correlationid": row.correlation_id,
        "ce_actor": row.actor,
        "ce_traceparent": row.traceparent,
        "ce_postings": row.postings,
    }


def _difference(
    headers: Headers, wanted: dict[str, str | None], row: Row
) -> tuple[str, str] | None:
    """Return what the first differing header should say, and what it says."""
    for name, value in wanted.items():
        if headers.get(name) != value:
            return f"{name}: {value}", f"{headers.get(name)}"
    time = headers.get("ce_time", "")
    try:
        same = microseconds(datetime.fromisoformat(time)) == microseconds(row.recorded_at)
    except (ValueError, TypeError):
        same = False
    return None if same else (f"ce_time: {row.recorded_at.isoformat()}", time)
