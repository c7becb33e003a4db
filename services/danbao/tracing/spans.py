"""What a span of a message says, pure: its ids follow from those of the messages.

The span of a message in a service has an id that anybody can derive who knows both, so the spans of
six processes hang together without a word between them: an event names the message that caused it.
The trace is that of `traceparent` where upstream gave one, else that of the correlation id.  A
deadline carries no `traceparent`: what it causes is in the trace of the correlation id.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from danbao.contracts.catalogue import service_of
from danbao.kernel.messages import Cause, Message

SAMPLED = 0x01
RATIO_BITS = 64


class Place(NamedTuple):
    """Where a span belongs."""

    trace_id: int
    span_id: int
    parent_id: int
    """0 for the first of its trace."""


def span_id(service: str, message_id: str) -> int:
    """Id of the span in which a service handles a message; never 0."""
    return int.from_bytes(sha256(f"{service}/{message_id}".encode()).digest()[:8]) or 1


def trace_id(cause: Cause) -> int:
    """Id of the trace that a message belongs to; never 0."""
    if cause.traceparent is not None:
        return int(cause.traceparent.split("-")[1], 16)
    try:
        return UUID(cause.correlation_id).int or 1
    except ValueError:
        return int.from_bytes(sha256(cause.correlation_id.encode()).digest()[:16]) or 1


def is_sampled(cause: Cause, ratio: float) -> bool:
    """Upstream decides where it gave a `traceparent`; else the trace's id, alike everywhere."""
    if cause.traceparent is not None:
        return bool(int(cause.traceparent.split("-")[3], 16) & SAMPLED)
    bits: int = trace_id(cause) & ((1 << RATIO_BITS) - 1)
    return bits < ratio * (1 << RATIO_BITS)


def place_of(service: str, message: Message) -> Place:
    """Where the span of a message belongs."""
    cause = message.cause
    return Place(trace_id(cause), span_id(service, cause.id), _parent_id(message))


def _parent_id(message: Message) -> int:
    if message.command is not None:
        given = message.cause.traceparent
        return 0 if given is None else int(given.split("-")[2], 16)
    headers = dict(message.record.headers)
    caused_by = headers["ce_causationid"].decode()
    return span_id(service_of(headers["ce_type"].decode()), caused_by)


def name_of(service: str, message: Message) -> str:
    """`escrow create_trade`, or `risk payment_requested` for an event that it reacts to."""
    kind = message_type(message)
    return f"{service} {kind.split('.')[1]}" if kind.count(".") > 1 else f"{service} {kind}"


def message_type(message: Message) -> str:
    """The wire type of a message."""
    if message.command is not None:
        return message.command.type
    return dict(message.record.headers)["ce_type"].decode()


def attributes_of(message: Message, events: list[str]) -> Mapping[str, str | int | list[str]]:
    """What a span tells: where the message was, whose it is, and what came of it; no bodies."""
    record, cause = message.record, message.cause
    return {
        "messaging.system": "kafka",
        "messaging.operation.type": "process",
        "messaging.destination.name": record.place.topic,
        "messaging.destination.partition.id": str(record.place.partition),
        "messaging.kafka.offset": record.offset,
        "messaging.message.id": cause.id,
        "danbao.type": message_type(message),
        "danbao.correlation_id": cause.correlation_id,
        "danbao.flow": cause.partition_key,
        "danbao.events": events,
    }
