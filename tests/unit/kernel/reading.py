"""Records of a command topic as tests make them, and what reading them gave."""

import json
import sys
from collections.abc import Mapping, Sequence

from danbao.contracts.rejection import RejectionCode
from danbao.kernel.commands import read_command
from danbao.kernel.messages import DeadLetter, Message, Record, TopicPartition

ID = "018f0000-0000-7000-8000-000000000001"
TYPE = "accounts.top_up.v1"
BYTES_MAX = 65_536
TOP_UP = {
    "top_up_id": "U-1",
    "account_id": "A-1",
    "amount": {"minor": 100, "currency": "CNY"},
    "bank_card": "card_ok",
}
DEEP = sys.getrecursionlimit()

Read = Message | DeadLetter


def record(
    value: bytes | None,
    *,
    key: bytes | None = b"A-1",
    headers: Mapping[str, bytes | None] | Sequence[tuple[str, bytes]] = {},
) -> Record:
    """A record of accounts' command topic; None as a header leaves it out."""
    if isinstance(headers, Mapping):
        given_headers: dict[str, bytes | None] = {
            "ce_specversion": b"1.0",
            "ce_id": ID.encode(),
            "ce_type": TYPE.encode(),
            "ce_source": b"test",
            "ce_partitionkey": key,
            "content-type": b"application/json",
        }
        given_headers |= headers
        headers = [(name, text) for name, text in given_headers.items() if text is not None]
    return Record(TopicPartition("danbao.accounts.commands", 0), 7, key, value, headers)


def read(value: object, **changes: object) -> Read:
    """Read a command whose data is a value, or bytes as they are."""
    text = value if isinstance(value, bytes) or value is None else json.dumps(value).encode()
    return read_command(record(text, **changes), "accounts", BYTES_MAX)  # type: ignore[arg-type]


def top_up(**changes: object) -> Read:
    """Read a top-up with other fields."""
    return read(TOP_UP | changes)


def refused_field(message: Read) -> object:
    """The field that an `invalid_command` names."""
    assert isinstance(message, Message), message
    assert message.refusal is not None
    assert message.refusal.code is RejectionCode.INVALID_COMMAND
    assert not message.wishes
    assert message.refusal.facts["problem"]
    check_storable(message)
    return message.refusal.facts["field"]


def check_storable(message: Read) -> None:
    """Everything that goes into tables is text that Postgres can keep."""
    texts: list[str | None]
    if isinstance(message, DeadLetter):
        texts = [message.reason, message.partition_key]
        message.detail.encode()
    else:
        assert message.command is not None
        cause, command = message.cause, message.command
        texts = [cause.id, cause.partition_key, cause.correlation_id, cause.actor]
        texts += [cause.traceparent, command.type, command.text]
        if message.refusal is not None:
            texts.append(json.dumps(dict(message.refusal.facts), ensure_ascii=False))
    for text in texts:
        assert text is None or "\x00" not in text
        assert text is None or isinstance(text.encode(), bytes)


def hash_of(message: Read) -> bytes:
    """The hash by which two bodies are the same."""
    assert isinstance(message, Message), message
    assert message.command is not None
    return message.command.sha256


def structured(event: Mapping[str, object] | bytes, key: bytes | None = b"A-1") -> Read:
    """Read one JSON object that holds envelope and data."""
    text = event if isinstance(event, bytes) else json.dumps(event).encode()
    headers = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
    return read_command(record(text, key=key, headers=headers), "accounts", BYTES_MAX)


EVENT = {
    "specversion": "1.0",
    "id": ID,
    "type": TYPE,
    "source": "test",
    "partitionkey": "A-1",
    "actor": "buyer:A-1",
    "data": TOP_UP,
}
