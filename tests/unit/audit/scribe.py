"""Writes histories by the contract, without an engine: a pen that keeps numbers and causes.

It knows positions, versions, ids, hashes and the envelope; what happens in a history is told
by `story`. Nothing here is shared with the engine.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from tests.audit.canonical import canonical
from tests.audit.hashing import Tree, leaf_hash, row_hash
from tests.audit.murmur import partition_of
from tests.audit.rows import Checkpoint, Head, InboxRow, Line, Offset, Record, Row
from tests.audit.tables import MemoryTables, MemoryTopics

BEGINNING = datetime(2026, 11, 23, 0, 0, 0, 17, tzinfo=UTC)
PARTITIONS = 8
Leg = tuple[str, str, dict[str, Any]]


def ident(name: str) -> str:
    """Make a UUID that is the same in every run."""
    return str(uuid5(NAMESPACE_URL, name))


def yuan(minor: int, currency: str = "CNY") -> dict[str, Any]:
    """Make Money."""
    return {"minor": minor, "currency": currency}


def written(value: object) -> str:
    """Write data or postings as some engine might; the auditor must not depend on how."""
    return json.dumps(value, ensure_ascii=False)


@dataclass
class Cause:
    """A command or event that others name as their cause."""

    id: str
    partition_key: str
    correlation_id: str
    actor: str | None = None


@dataclass
class Scribe:
    """A history in the making."""

    rows: list[Row] = field(default_factory=list)
    inbox: list[InboxRow] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    versions: Counter[str] = field(default_factory=Counter)

    def command(
        self, wire_type: str, key: str, data: dict[str, Any], actor: str | None = None
    ) -> Cause:
        """Send a command; its inbox row learns its place as answers are written."""
        message_id = ident(f"command {len(self.lines)}")
        body = canonical({"type": wire_type, "partitionkey": key, "actor": actor, "data": data})
        self.lines.append(Line(message_id, body))
        hashed = sha256(body.encode()).digest()
        service = wire_type.partition(".")[0]
        self.inbox.append(
            InboxRow(message_id, hashed, service, wire_type, key, actor, body, None, None)
        )
        return Cause(message_id, key, message_id, actor)

    def event(
        self, cause: Cause, wire_type: str, stream: str, data: dict[str, Any], *legs: Leg
    ) -> Cause:
        """Append an event, with one posting a leg."""
        self.versions[stream] += 1
        position = len(self.rows) + 1
        postings = [
            {"debit": d, "credit": c, "minor": m["minor"], "currency": m["currency"]}
            for d, c, m in legs
            if m["minor"]
        ]
        row = Row(
            shard=0,
            position=position,
            stream=stream,
            version=self.versions[stream],
            type=wire_type,
            schema_version=1,
            partition_key=cause.partition_key,
            event_id=ident(f"{stream} {self.versions[stream]}"),
            causation_id=cause.id,
            correlation_id=cause.correlation_id,
            actor=cause.actor,
            traceparent=None,
            recorded_at=BEGINNING + timedelta(milliseconds=position // 3),
            data=written(data),
            postings=written(postings) if postings else None,
            row_hash=b"",
            leaf_hash=b"",
        )
        self.rows.append(row)
        return Cause(row.event_id, cause.partition_key, cause.correlation_id)

    def refuse(self, cause: Cause, wire_type: str, code: str, stream_id: str = "") -> Cause:
        """Append a refusal on a stream of its own."""
        service = wire_type.partition(".")[0]
        facts = {"command_id": cause.id, "command_type": wire_type, "code": code, "facts": {}}
        stream = f"rejection/{stream_id or cause.id}"
        return self.event(cause, f"{service}.command_rejected.v1", stream, facts)


@dataclass
class History:
    """A whole history: tables, topics, and what it should add up to."""

    tables: MemoryTables
    topics: MemoryTopics
    lines: list[Line]
    expected: dict[str, Any]

    @property
    def rows(self) -> list[Row]:
        """The log."""
        return self.tables.rows

    @property
    def records(self) -> list[Record]:
        """The topics."""
        return self.topics.kept

    def row(self, wire_type: str, nth: int = 0) -> Row:
        """Return the nth row of a type, the version suffix left out."""
        return [row for row in self.rows if row.type == f"{wire_type}.v1"][nth]

    def record(self, wire_type: str, nth: int = 0) -> Record:
        """Return the record of the nth row of a type."""
        wanted = self.row(wire_type, nth).event_id.encode()
        return next(r for r in self.records if dict(r.headers)["ce_id"] == wanted)

    def command(self, wire_type: str, nth: int = 0) -> InboxRow:
        """Return the nth command of a type."""
        return [row for row in self.tables.inbox_rows if row.type == f"{wire_type}.v1"][nth]

    def offset(self, topic: str, nth: int = 0) -> Offset:
        """Return the nth offset of those who read a topic."""
        return [one for one in self.tables.read_offsets if one.topic == topic][nth]

    def model(self, name: str, **wanted: object) -> dict[str, Any]:
        """Return the first row of a read model with these values."""
        rows = self.tables.models[name]
        return next(row for row in rows if all(row[k] == v for k, v in wanted.items()))

    def seal(self) -> None:
        """Make head, checkpoint, hashes, inbox places, outcomes and records fit the log."""
        tree = Tree()
        answers: dict[str | None, tuple[int, int]] = {}
        for row in self.rows:
            row.row_hash = row_hash(row)
            row.leaf_hash = leaf_hash(row, row.row_hash)
            tree.append(row.leaf_hash)
            if '"command_id_reused"' not in row.data:
                first, _ = answers.get(row.causation_id, (row.position, 0))
                answers[row.causation_id] = (first, row.position)
        last = self.rows[-1]
        self.tables.log_heads = [Head(0, last.position, last.recorded_at)]
        self.tables.log_checkpoints = [Checkpoint(0, len(self.rows), tree.root())]
        for command in self.tables.inbox_rows:
            places = answers.get(command.message_id, (None, None))
            command.first_position, command.last_position = places
        self.tables.models["command_outcomes"] = [
            _outcome(command, self.rows) for command in self.tables.inbox_rows
        ]
        self.topics.kept = relayed(self.rows)
        self.topics.sent = sent(self.tables.inbox_rows)
        self.read_on()

    def read_on(self) -> None:
        """Let every service read what the topics hold now."""
        self.tables.read_offsets = read_to_the_end(self.topics)

    def renumber(self) -> None:
        """Number the log anew as it now lies, as a forger would."""
        versions: Counter[str] = Counter()
        for position, row in enumerate(self.rows, 1):
            versions[row.stream] += 1
            row.position, row.version = position, versions[row.stream]
            row.recorded_at = BEGINNING + timedelta(milliseconds=position // 3)


def relayed(rows: list[Row]) -> list[Record]:
    """Make the records of some rows, as the relay should."""
    records = []
    ends: Counter[tuple[str, int]] = Counter()
    previous: dict[tuple[str, int], int] = {}
    for row in rows:
        topic = f"danbao.{row.type.partition('.')[0]}.events"
        lane = (topic, partition_of(row.partition_key.encode(), PARTITIONS))
        headers = headers_of(row, previous.get(lane, 0))
        key, value = row.partition_key.encode(), row.data.encode()
        records.append(Record(*lane, ends[lane], key, value, headers, PARTITIONS))
        previous[lane] = row.position
        ends[lane] += 1
    return records


def sent(commands: list[InboxRow]) -> list[Record]:
    """Make the records of some commands, as upstream sent them."""
    records = []
    ends: Counter[tuple[str, int]] = Counter()
    for command in commands:
        topic, key = f"danbao.{command.service}.commands", command.partition_key.encode()
        lane = (topic, partition_of(key, PARTITIONS))
        headers = (("ce_id", command.message_id.encode()), ("ce_type", command.type.encode()))
        records.append(Record(*lane, ends[lane], key, b"{}", headers, PARTITIONS))
        ends[lane] += 1
    return records


def read_to_the_end(topics: MemoryTopics) -> list[Offset]:
    """Make the offsets of services that have read everything; each reads the events of one."""
    lanes: dict[tuple[str, int], Offset] = {}
    for record in (*topics.sent, *topics.kept):
        lane, position = (record.topic, record.partition), 0
        service = record.topic.split(".")[1]
        if record.topic.endswith(".events"):
            service = {"escrow": "settlement", "risk": "authorization"}.get(service, "escrow")
            position = int(dict(record.headers)["ce_sequence"] or b"")
        lanes[lane] = Offset(service, *lane, record.offset + 1, position, record.offset)
    return list(lanes.values())


def headers_of(row: Row, previous: int) -> tuple[tuple[str, bytes | None], ...]:
    """Make the envelope of a row; what is null is left out."""
    texts: dict[str, object] = {
        "ce_specversion": "1.0",
        "ce_id": row.event_id,
        "ce_type": row.type,
        "ce_source": "danbao",
        "ce_time": row.recorded_at.isoformat().replace("+00:00", "Z"),
        "ce_subject": row.stream,
        "ce_partitionkey": row.partition_key,
        "ce_shard": row.shard,
        "ce_sequence": row.position,
        "ce_prevsequence": previous,
        "ce_causationid": row.causation_id,
        "ce_correlationid": row.correlation_id,
        "ce_streamversion": row.version,
        "ce_schemaversion": row.schema_version,
        "ce_postings": row.postings,
        "ce_actor": row.actor,
        "ce_dataschema": f"schemas/events/{row.type}.json",
        "content-type": "application/json",
    }
    return tuple((n, str(v).encode()) for n, v in texts.items() if v is not None)


def _outcome(command: InboxRow, rows: list[Row]) -> dict[str, Any]:
    position = command.first_position or 0
    answer = next((row for row in rows if row.position == position), None)
    refused = answer is not None and answer.type.endswith(".command_rejected.v1")
    return {
        "command_id": command.message_id,
        "outcome": "refused" if refused else "done",
        "code": json.loads(answer.data).get("code") if answer is not None and refused else None,
        "first_position": command.first_position,
        "last_position": command.last_position,
    }
