"""The envelope: headers of a record, and the two other forms in which a command may be written.

CloudEvents 1.0, Kafka binding.  Header values are UTF-8 text, whatever they mean.
"""

from typing import Final

from danbao.contracts.catalogue import SERVICES
from danbao.contracts.message import ID_CHARACTERS
from danbao.schemas.document import DIALECT, Json

UUID_PATTERN: Final = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_ID: Final = f"^[{ID_CHARACTERS}]{{1,64}}$"
_DECIMAL: Final = "^(0|[1-9][0-9]*)$"
_SERVICE: Final = f"({'|'.join(SERVICES)})"
_TYPE: Final = f"^{_SERVICE}\\.[a-z][a-z0-9_]*\\.v[1-9][0-9]*$"
_DATASCHEMA: Final = f"^danbao:events/{_SERVICE}/[a-z][a-z0-9_]*\\.v[1-9][0-9]*$"
_ACTOR: Final = f"^(buyer|seller|operator):[{ID_CHARACTERS}]{{1,64}}$"
_TRACEPARENT: Final = "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"


def _text(description: str, pattern: str | None = None, **more: object) -> Json:
    made: Json = {"type": "string", "description": description, **more}
    return made if pattern is None else made | {"pattern": pattern}


_SHARED: Final[Json] = {
    "specversion": _text("Version of CloudEvents.", const="1.0"),
    "type": _text("Wire type, such as `escrow.create_trade.v1`.", _TYPE),
    "source": _text("Who sent it; events come from `danbao/<service>`.", minLength=1),
    "time": _text("When, by RFC 3339 in UTC.", format="date-time"),
    "partitionkey": _text("The business flow; equals the record's key.", _ID),
    "correlationid": _text("The conversation; by default the id of its first command.", _ID),
    "traceparent": _text("W3C trace context.", _TRACEPARENT),
    "actor": _text("The party it is sent for; without it, a trusted upstream system.", _ACTOR),
}
_COMMAND_ID: Final = _text(
    "The command's id: one answer for ever.  Best time-ordered (version 7).", UUID_PATTERN
)
_EVENT_ONLY: Final[Json] = {
    "subject": _text("The stream, such as `trade/T-1`.", minLength=1),
    "shard": _text("Shard of the log.", _DECIMAL),
    "sequence": _text("Position in the log.", _DECIMAL),
    "prevsequence": _text(
        "Position of the event before it in the same partition of the topic; 0 for the first.",
        _DECIMAL,
    ),
    "causationid": _text("Id of the command or event that caused it.", UUID_PATTERN),
    "streamversion": _text("Place in the stream, from 1.", "^[1-9][0-9]*$"),
    "schemaversion": _text("Version of the data's schema.", "^[1-9][0-9]*$"),
    "dataschema": _text("`$id` of the data's schema.", _DATASCHEMA),
    "postings": _text(
        "JSON array of `{debit, credit, minor, currency}`; absent when no money moves.",
        contentMediaType="application/json",
    ),
}
_CONTENT_TYPE: Final = _text("Binary mode: the value is the data.", const="application/json")


def command_headers() -> Json:
    """Headers of a command in binary mode; further headers are let through."""
    attributes = {"id": _COMMAND_ID, **_SHARED}
    needed = ("specversion", "id", "type", "source", "partitionkey")
    return _headers("Headers of a command", attributes, needed)


def event_headers() -> Json:
    """Headers of an event; with these a record re-makes its row of the log."""
    attributes = {"id": _text("The event's id.", UUID_PATTERN), **_SHARED, **_EVENT_ONLY}
    optional = {"traceparent", "actor", "postings"}
    needed = tuple(name for name in attributes if name not in optional)
    return _headers("Headers of an event", attributes, needed)


def envelope() -> Json:
    """Document `schemas/envelope.json`."""
    return {
        "$schema": DIALECT,
        "$id": "danbao:envelope",
        "title": "Envelope",
        "description": "What stands around the data: choose a definition below.",
        "$defs": {
            "command_headers": command_headers(),
            "command_line": _command_line(),
            "event_headers": event_headers(),
            "structured_command": _structured_command(),
        },
    }


def _headers(title: str, attributes: Json, needed: tuple[str, ...]) -> Json:
    return {
        "title": title,
        "type": "object",
        "properties": {f"ce_{name}": schema for name, schema in attributes.items()}
        | {"content-type": _CONTENT_TYPE},
        "required": sorted([*(f"ce_{name}" for name in needed), "content-type"]),
    }


def _structured_command() -> Json:
    """The value of a record with `content-type: application/cloudevents+json`."""
    return {
        "title": "A command in structured mode",
        "type": "object",
        "properties": {"id": _COMMAND_ID, **_SHARED, "data": {"type": "object"}},
        "required": ["data", "id", "partitionkey", "source", "specversion", "type"],
    }


def _command_line() -> Json:
    """One line of a command file."""
    attributes = {name: _SHARED[name] for name in ("type", "source", "partitionkey", "actor")}
    after = {
        "type": "array",
        "items": {"type": "string", "pattern": _TYPE},
        "description": "Wait until the flow has seen an event of each type; n times for n events.",
    }
    return {
        "title": "A line of a command file",
        "description": "A line without `type` publishes nothing and only waits.",
        "type": "object",
        "properties": {"id": _COMMAND_ID, **attributes, "data": {"type": "object"}, "after": after},
        "required": ["partitionkey"],
        "dependentRequired": {"type": ["data", "id", "source"]},
        "additionalProperties": False,
    }
