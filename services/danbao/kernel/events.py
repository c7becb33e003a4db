"""Reading events of other services: the few headers that order needs, and data only to react."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from danbao.contracts.catalogue import EVENTS
from danbao.contracts.decider import Recorded, Service
from danbao.contracts.message import Event
from danbao.kernel.messages import Cause, DeadLetter, LogRow, Message, Record

_decoders: Mapping[str, msgspec.json.Decoder[Event]] = {
    name: msgspec.json.Decoder(event) for name, event in EVENTS.items()
}


def decode_event(event_type: str, data: str | bytes) -> Event:
    """Decode the data of a log row.

    Raises:
        KeyError: a type that this version of the code does not know.
        msgspec.ValidationError: data that does not fit its type.
    """
    return _decoders[event_type].decode(data)


def recorded_of(row: LogRow) -> Recorded:
    """An event of the log, as readers get it."""
    return Recorded(decode_event(row.type, row.data), row.recorded_at)


def _is_newer(headers: Mapping[str, bytes], event_type: str) -> bool:
    """Tell whether an event was written by code that knows a later version of its type."""
    version = headers.get("ce_schemaversion", b"1")
    return not version.isdigit() or int(version) > EVENTS[event_type].VERSION


class EventReader:
    """Reads the records of events topics for one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._reactions = {
            name: service.reactions[event]
            for name, event in EVENTS.items()
            if event in service.reactions
        }
        self._ignored = frozenset(name.encode() for name in EVENTS.keys() - self._reactions)
        """Types that the service does nothing about, as headers have them."""

    def sequence(self, headers: Mapping[str, bytes]) -> tuple[int, int]:
        """Position of the record's event, and of the one before it in this partition."""
        return int(headers["ce_sequence"]), int(headers["ce_prevsequence"])

    def read(
        self, record: Record, headers: Mapping[str, bytes], sequence: int
    ) -> Message | DeadLetter | None:
        """Read one event; None when this service does nothing about its type."""
        if headers["ce_type"] in self._ignored:
            return None
        event_type = headers["ce_type"].decode()
        react = self._reactions.get(event_type)
        key = headers["ce_partitionkey"].decode()
        if react is None or _is_newer(headers, event_type):
            version = headers.get("ce_schemaversion", b"").decode(errors="replace")
            detail = f"{event_type}, schema version {version}, is newer than this code"
            return DeadLetter(record, "event_from_future", detail[:200], key)
        try:
            event = decode_event(event_type, record.value or b"")
            at = datetime.fromisoformat(headers["ce_time"].decode()).astimezone(UTC)
            wishes = tuple(react(event, Recorded(event, at)))
        except Exception as error:  # noqa: BLE001 - whatever it is, the flow is parked with it
            return DeadLetter(record, "event_unreadable", repr(error)[:200], key)
        if not wishes:
            return None
        traceparent = headers.get("ce_traceparent")
        cause = Cause(
            id=headers["ce_id"].decode(),
            correlation_id=headers["ce_correlationid"].decode(),
            partition_key=key,
            traceparent=traceparent.decode() if traceparent else None,
        )
        return Message(record, cause, wishes=wishes, sequence=sequence)
