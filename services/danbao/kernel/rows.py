"""Making rows: events and deadlines in the form in which the store keeps them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from danbao.contracts.catalogue import EVENT_TYPES
from danbao.contracts.message import Event, Timer, wire_type
from danbao.kernel.ids import event_id, timer_id
from danbao.kernel.messages import Cause, Row, TimerRow
from danbao.ledger.posting import Posting
from danbao.proofs.leaf import row_hash

_encode = msgspec.json.Encoder().encode


class RowMaker:
    """Makes rows for one incarnation of the log."""

    def __init__(self, incarnation: UUID) -> None:
        self._log = incarnation.bytes

    def timer_id(self, stream: str, timer: Timer) -> str:
        """Id of a deadline, and of the command it sends."""
        return timer_id(self._log, stream, timer.name, timer.generation)

    def timer_row(self, stream: str, timer: Timer, due_at: datetime, cause: Cause) -> TimerRow:
        """The deadline as the scheduler will send it."""
        return TimerRow(
            timer_id=self.timer_id(stream, timer),
            stream=stream,
            due_at=due_at,
            type=wire_type(type(timer)),
            partition_key=getattr(timer, timer.KEY),
            correlation_id=cause.correlation_id,
            data=_encode(timer).decode(),
        )

    def row(
        self, event: Event, stream: str, version: int, postings: Sequence[Posting], cause: Cause
    ) -> Row:
        """The event as the log will keep it, but for its position and time."""
        data = _encode(event).decode()
        text = postings_text(postings) if postings else None
        event_type = EVENT_TYPES[type(event)]
        id_ = event_id(self._log, stream, version)
        fields = (
            stream,
            version,
            event_type,
            event.VERSION,
            cause.partition_key,
            id_,
            cause.id,
            cause.correlation_id,
            cause.actor,
            data,
            text,
        )
        hashed = row_hash(fields)
        return Row(*fields[:9], cause.traceparent, data, text, hashed)


def postings_text(postings: Sequence[Posting]) -> str:
    """Postings as the log keeps them (contract, "Tables that others may read")."""
    return _encode(postings).decode()
