"""What was to be decided: the message behind a decision, from the inbox or from its source."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from danbao.contracts.catalogue import TIMERS, service_of
from danbao.contracts.decider import Recorded, Service, Wish
from danbao.contracts.message import Event
from danbao.contracts.rejection import CommandRejected, RejectionCode
from danbao.kernel.batch import BODY_LOST
from danbao.kernel.commands import command_of_body
from danbao.kernel.events import decode_event
from danbao.kernel.messages import CommandBody, LogRow, Message, Record, TopicPartition
from danbao.kernel.replay import cause_of
from danbao.whatif.decisions import Decision, KeptCommand


class Reason(StrEnum):
    """Why a decision is not made again."""

    BODY_NOT_KEPT = "body_not_kept"
    BODY_LOST = "body_lost"
    REFUSED_WHEN_READ = "refused_when_read"
    SOURCE_MISSING = "source_missing"
    NO_EVENT = "no_event"
    FAILED = "failed"
    DIFFERS_UNCHANGED = "differs_unchanged"


MEANING: Mapping[Reason, str] = {
    Reason.BODY_NOT_KEPT: (
        "another body under a taken id: refused by comparing bodies, no policy is asked"
    ),
    Reason.BODY_LOST: "the command was lost with Postgres; only its answer came back from Kafka",
    Reason.REFUSED_WHEN_READ: "refused when it was read, before anything was decided",
    Reason.SOURCE_MISSING: "the event that it is a reaction to is not in the log",
    Reason.NO_EVENT: (
        "a reaction without an event in this stretch: it changed nothing, or is answered later"
    ),
    Reason.FAILED: "it cannot be decided on what the log says",
    Reason.DIFFERS_UNCHANGED: (
        "with the same policies this code does not give what was recorded: it was decided by "
        "another version of the code, or its moment was lost with Postgres"
    ),
}


def message_of(decision: Decision, wishes: Sequence[Wish]) -> Message | Reason:
    """Give what was decided about; `wishes` are those of a reaction."""
    row, command = decision.rows[0], decision.command
    if command is not None:
        return _of_command(row, command)
    if row.stream.startswith("rejection/"):
        return Reason.BODY_NOT_KEPT
    if not wishes:
        return Reason.SOURCE_MISSING
    return Message(_record(row), cause_of(row), wishes=tuple(wishes))


def wishes_of(service: Service, row: LogRow, event: Event) -> Sequence[Wish]:
    """What a service wishes for because of an event."""
    react = service.reactions.get(type(event))
    return () if react is None else react(event, Recorded(event, row.recorded_at))


def _of_command(row: LogRow, command: KeptCommand) -> Message | Reason:
    if command.sha256 == BODY_LOST:
        return Reason.BODY_LOST
    if command.type not in TIMERS and _is_refused_when_read(row):
        return Reason.REFUSED_WHEN_READ
    try:
        wish = command_of_body(command.type, command.body)
    except (KeyError, msgspec.DecodeError):
        return Reason.REFUSED_WHEN_READ
    body = CommandBody(command.type, command.body, command.sha256)
    return Message(_record(row), cause_of(row), wishes=(wish,), command=body)


def _is_refused_when_read(row: LogRow) -> bool:
    if not row.stream.startswith("rejection/"):
        return False
    event = decode_event(row.type, row.data)
    assert isinstance(event, CommandRejected)
    return event.code is RejectionCode.INVALID_COMMAND


def _record(row: LogRow) -> Record:
    """A place for the message; nothing that is decided depends on it."""
    return Record(TopicPartition(service_of(row.type), 0), row.position, None, None, ())
