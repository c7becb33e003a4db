"""Reading commands: from a Kafka record to a message, a refusal, or a dead letter.

Readable but wrong gets a refusal, so that its sender has an answer; what cannot be read at all
(no usable id, type or JSON) becomes a dead letter (contract, "Answers").
"""

import re
from collections.abc import Mapping

import msgspec

from danbao.contracts.actor import is_actor
from danbao.contracts.catalogue import COMMANDS, SERVICES, TIMERS, service_of
from danbao.contracts.message import Command, is_id
from danbao.contracts.policy import PublishPolicy
from danbao.contracts.rejection import Rejected, RejectionCode
from danbao.kernel.canonical import (
    DuplicateKeyError,
    canonical_body,
    find_forbidden,
    parse_json,
)
from danbao.kernel.messages import Cause, DeadLetter, Message, Record

STRUCTURED = "application/cloudevents+json"
KEY_CHARACTERS_MAX = 256
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TYPE = re.compile(r"[A-Za-z0-9._-]{1,128}")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_FIELD = re.compile(r"`([^`]*)`")
_PATH = re.compile(r" - at `\$\.?([^`]*)`$")

_parts = msgspec.json.Decoder(dict[str, msgspec.Raw])
_decoders = {
    service: {
        name: msgspec.json.Decoder(command)
        for name, command in COMMANDS.items()
        if service_of(name) == service
    }
    for service in SERVICES
}


class UnreadableError(Exception):
    """The record cannot be read as a command; `reason` is a code."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def read_command(record: Record, service: str, bytes_max: int) -> Message | DeadLetter:
    """Read a record of a command topic."""
    try:
        return _read(record, service, bytes_max)
    except UnreadableError as error:
        key = record.key.decode(errors="replace") if record.key else None
        return DeadLetter(record, error.reason, error.detail, key and key.replace("\x00", "\ufffd"))


def command_of_body(command_type: str, body: str) -> Command:
    """Give the command that a canonical body of the inbox says.

    Raises:
        KeyError: the type is unknown.
        msgspec.DecodeError: the data does not fit its type.
    """
    return _decoders[service_of(command_type)][command_type].decode(_parts.decode(body)["data"])


def _read(record: Record, service: str, bytes_max: int) -> Message:
    value = record.value
    if value is None:
        raise UnreadableError("empty_value", "the record has no value")
    if len(value) > bytes_max:
        raise UnreadableError("too_large", f"{len(value)} bytes; at most {bytes_max} are read")
    headers = _texts(record)
    if headers.get("content-type", "").startswith(STRUCTURED):
        headers, value = _unfold(value)
    command_id = headers.get("ce_id", "")
    if not _UUID.fullmatch(command_id):
        raise UnreadableError("id_unusable", f"ce_id {command_id[:80]!r} is not a UUID")
    command_type = headers.get("ce_type", "")
    if command_type not in COMMANDS and not _TYPE.fullmatch(command_type):
        raise UnreadableError("type_unusable", f"ce_type {command_type[:80]!r} is not a type")
    command_id = command_id.lower()
    key = _partition_key(record, headers)
    data, problem = _parse(value)
    wish, problem = _check(command_type, service, value, problem)
    problem = problem or _check_envelope(headers, key, record, wish)
    actor = headers.get("ce_actor")
    flow = key if key is not None else command_id
    body = canonical_body(
        command_type=command_type,
        partition_key=flow,
        actor=actor,
        data=data,
        raw=value,
        is_plain=problem is None and not isinstance(wish, PublishPolicy),
    )
    cause = Cause(
        id=command_id,
        correlation_id=_correlation(headers, command_id),
        partition_key=flow,
        actor=actor,
        traceparent=_traceparent(headers),
    )
    if problem is not None:
        return Message(record, cause, command=body, refusal=problem)
    assert wish is not None
    return Message(record, cause, wishes=(wish,), command=body)


def _texts(record: Record) -> dict[str, str]:
    """Headers as text; what is not UTF-8, and U+0000, becomes U+FFFD and fails its own check."""
    return {
        name: value.decode("utf-8", "replace").replace("\x00", "\ufffd") if value else ""
        for name, value in record.headers
    }


def _unfold(value: bytes) -> tuple[dict[str, str], bytes]:
    """Turn structured mode (one JSON object) into binary mode (headers and data).

    Data stays byte for byte as it came: it may hold what cannot be written again.
    """
    try:
        event = parse_json(value)
        if not isinstance(event, dict):
            raise UnreadableError("json_unreadable", "a structured event is a JSON object")
        parts = _parts.decode(value)
    except (ValueError, RecursionError) as error:
        raise UnreadableError("json_unreadable", str(error)[:200]) from error
    texts = {
        f"ce_{name}": _UNSTORABLE.sub("\ufffd", text)
        for name, text in event.items()
        if isinstance(text, str)
    }
    data = bytes(parts["data"]) if "data" in parts else b"null"
    return {"content-type": "application/json"} | texts, data


def _partition_key(record: Record, headers: Mapping[str, str]) -> str | None:
    """The business flow: header first, record key else; None when there is neither."""
    key = headers.get("ce_partitionkey")
    if key is None and record.key is not None:
        try:
            key = record.key.decode()
        except UnicodeDecodeError as error:
            raise UnreadableError("key_unusable", "the key is not UTF-8") from error
    if key is not None and ("\x00" in key or len(key) > KEY_CHARACTERS_MAX):
        raise UnreadableError("key_unusable", f"the key is not text of 1 to {KEY_CHARACTERS_MAX}")
    return key or None


def _parse(value: bytes) -> tuple[object, Rejected | None]:
    """Parse the data; what is JSON but not I-JSON is refused rather than set aside."""
    try:
        data = parse_json(value)
    except DuplicateKeyError as error:
        key = str(error).encode(errors="replace").decode().replace("\x00", "?")
        return None, _invalid(key[:64], "this key stands twice in one object")
    except ValueError as error:
        raise UnreadableError("json_unreadable", str(error)[:200]) from error
    if b"\\u" in value and (path := find_forbidden(data)) is not None:
        clean = path.encode(errors="replace").decode().replace("\x00", "?")
        return data, _invalid(clean[:64], "U+0000 or a lone surrogate")
    return data, None


def _check(
    command_type: str, service: str, value: bytes, problem: Rejected | None
) -> tuple[Command | None, Rejected | None]:
    """Decode the data into its type, or say which field is wrong."""
    decoder = _decoders[service].get(command_type)
    if decoder is None:
        return None, _invalid("type", f"service {service} takes no such command")
    if problem is not None:
        return None, problem
    try:
        return decoder.decode(value), None
    except msgspec.ValidationError as error:
        return None, _invalid(*_where(str(error)))
    except msgspec.DecodeError as error:
        raise UnreadableError("json_unreadable", str(error)[:200]) from error


def _where(problem: str) -> tuple[str, str]:
    """Field and problem out of msgspec's message."""
    path = _PATH.search(problem)
    text = _PATH.sub("", problem)
    field = path.group(1) if path else ""
    named = None if text.startswith("Expected ") else _FIELD.search(text)  # a type, not a field
    if named and ("unknown field" in text or "missing required field" in text or not field):
        field = ".".join(part for part in (field, named.group(1)) if part)
    return field[:128] or "data", text[:200]


def _check_envelope(
    headers: Mapping[str, str], key: str | None, record: Record, wish: Command | None
) -> Rejected | None:
    """Check what stands around the data: version, key, actor, correlation."""
    if headers.get("ce_specversion", "1.0") != "1.0":
        return _invalid("specversion", "only CloudEvents 1.0 is understood")
    expected = getattr(wish, wish.KEY) if wish is not None else None
    if wish is not None and key != expected:
        return _invalid("partitionkey", f"must equal `{wish.KEY}`")
    if record.key is not None and key is not None and record.key != key.encode():
        return _invalid("partitionkey", "the record's key is another")
    if "ce_actor" in headers and not is_actor(headers["ce_actor"]):
        return _invalid("actor", "expected buyer:<id>, seller:<id> or operator:<id>")
    if "ce_correlationid" in headers and not is_id(headers["ce_correlationid"]):
        return _invalid("correlationid", "expected 1 to 64 characters of A-Z a-z 0-9 . _ : -")
    return None


def _correlation(headers: Mapping[str, str], command_id: str) -> str:
    given = headers.get("ce_correlationid")
    return given if given and is_id(given) else command_id


def _traceparent(headers: Mapping[str, str]) -> str | None:
    given = headers.get("ce_traceparent")
    return given if given and _TRACEPARENT.fullmatch(given) else None


def _invalid(field: str, problem: str) -> Rejected:
    return Rejected(RejectionCode.INVALID_COMMAND, {"field": field, "problem": problem})


def is_timer(message: Message) -> bool:
    """Tell whether the scheduler sent this."""
    return message.command is not None and message.command.type in TIMERS
