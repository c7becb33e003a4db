"""Replaying rows of the log: states, facts, balances and timers as the batch made them.

For rows that come back from Kafka after Postgres lost them.  Nothing is decided: each event is
applied as it was recorded, by the code that applies decided ones, and everything that follows from
it by rule (its id, its postings, its row hash) is made anew and compared.
"""

from datetime import datetime
from uuid import UUID

from danbao.contracts.decider import Service
from danbao.kernel.batch import Batch, Draft
from danbao.kernel.errors import HistoryForkedError
from danbao.kernel.events import decode_event
from danbao.kernel.ids import event_id
from danbao.kernel.loaded import Loaded, category_of
from danbao.kernel.messages import Cause, LogRow, Row, Writes
from danbao.ledger.rules import postings_of
from danbao.proofs.leaf import row_hash

REJECTIONS = "rejection"


class Replay(Batch):
    """The rows of one service, applied in the order of the log."""

    def __init__(self, service: Service, loaded: Loaded, incarnation: UUID, now: datetime) -> None:
        super().__init__(service, loaded, incarnation, now)
        self._incarnation = incarnation

    def take(self, row: LogRow) -> Row:
        """Apply a row; gives it as the log keeps it, with its hash.

        Raises:
            HistoryForkedError: it is not the event that follows here.
        """
        if row.event_id != event_id(self._incarnation.bytes, row.stream, row.version):
            raise HistoryForkedError(
                f"position {row.position} belongs to another log: its id is not of incarnation "
                f"{self._incarnation}"
            )
        event = decode_event(row.type, row.data)
        kept = to_row(row)
        if category_of(row.stream) == REJECTIONS:
            return kept
        before = self._loaded.streams[row.stream].version
        if row.version != before + 1:
            raise HistoryForkedError(
                f"position {row.position} is version {row.version} of {row.stream}, "
                f"which the log has up to version {before}"
            )
        draft = Draft()
        self._apply(draft, event, cause_of(row))
        if draft.rows[0].postings != row.postings:
            raise HistoryForkedError(f"position {row.position}: its postings follow no rule")
        draft.rows = [kept]
        self._keep(draft)
        return kept

    def finish(self) -> Writes:
        """Everything that the rows changed beside the log."""
        self._finish()
        return self.writes


def accounts_of(row: LogRow) -> set[tuple[str, str]]:
    """Accounts and currencies that a row moves money of."""
    return {
        (account, posting.currency)
        for posting in postings_of(decode_event(row.type, row.data))
        for account in (posting.debit, posting.credit)
    }


def to_row(row: LogRow) -> Row:
    """A row without position and time, and its hash."""
    hashed = row_hash(
        (
            row.stream,
            row.version,
            row.type,
            row.schema_version,
            row.partition_key,
            row.event_id,
            row.causation_id,
            row.correlation_id,
            row.actor,
            row.data,
            row.postings,
        )
    )
    return Row(
        stream=row.stream,
        version=row.version,
        type=row.type,
        schema_version=row.schema_version,
        partition_key=row.partition_key,
        event_id=row.event_id,
        causation_id=row.causation_id,
        correlation_id=row.correlation_id,
        actor=row.actor,
        traceparent=row.traceparent,
        data=row.data,
        postings=row.postings,
        row_hash=hashed,
    )


def cause_of(row: LogRow) -> Cause:
    """What caused a row, as the kernel knew it when it decided."""
    return Cause(
        id=row.causation_id,
        correlation_id=row.correlation_id,
        partition_key=row.partition_key,
        actor=row.actor,
        traceparent=row.traceparent,
    )
