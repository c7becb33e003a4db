"""Deciding one decision again, by the code that the kernel decides with: pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from danbao.contracts.decider import Service
from danbao.contracts.facts import Fact
from danbao.kernel.batch import Batch
from danbao.kernel.loaded import Account, Held, Loaded, LoadedStream, NotLoadedError
from danbao.kernel.messages import LogRow, Message, Row
from danbao.whatif.decisions import Decision
from danbao.whatif.past import Moment
from danbao.whatif.policies import Policies, asks_exchanged, exchange
from danbao.whatif.reading import Reason


@dataclass(frozen=True, slots=True)
class After:
    """What a decision left behind: streams that it changed, and guarded balances as deltas."""

    streams: Mapping[str, LoadedStream]
    balances: Mapping[Account, int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a decision that was made again."""

    after: After | None = None
    """What it left behind as it was; None where it was not made again."""

    instead: Sequence[Row] | None = None
    """The events that there would be instead; None where nothing differs."""
    reason: Reason | None = None
    """Why it was not made again."""
    detail: str = ""


def redecide(
    service: Service,
    incarnation: UUID,
    decision: Decision,
    message: Message,
    moment: Moment,
    policies: Policies,
) -> Outcome:
    """Decide again on what was known, first as it was, then with policies exchanged.

    The first must give what was recorded to the byte; else nothing can be said about the second.
    """
    made = _decide(service, incarnation, decision, message, moment, moment.facts)
    if isinstance(made, str):
        return Outcome(reason=Reason.FAILED, detail=made)
    rows, after = made
    if not _are_same(decision.rows, rows):
        return Outcome(reason=Reason.DIFFERS_UNCHANGED, detail=_first_difference(decision, rows))
    if not asks_exchanged(moment.facts, policies):
        return Outcome(after)
    facts = exchange(moment.facts, policies, decision.decided_at)
    other = _decide(service, incarnation, decision, message, moment, facts)
    if isinstance(other, str):
        return Outcome(reason=Reason.FAILED, detail=other)
    instead, _ = other
    return Outcome(after, None if _are_same(decision.rows, instead) else instead)


def _decide(
    service: Service,
    incarnation: UUID,
    decision: Decision,
    message: Message,
    moment: Moment,
    facts: Mapping[str, Fact | None],
) -> tuple[Sequence[Row], After] | str:
    """Give what a batch of this one message would write, or why it would not."""
    loaded = Loaded(Held(moment.streams), Held(facts), Held(moment.balances))
    batch = Batch(service, loaded, incarnation, decision.decided_at)
    try:
        batch.decide([message])
    except NotLoadedError as error:
        return f"it needs {error}, which it did not ask for"
    if batch.writes.dead_letters:
        return batch.writes.dead_letters[0].detail
    if batch.postponed is not None:
        return "it would wait for another service"
    changed = {
        name: LoadedStream(stream.version, stream.version, stream.state)
        for name, stream in loaded.streams.items()
        if stream.version != stream.stored_version
    }
    return batch.writes.rows, After(changed, batch.writes.balances)


def _are_same(recorded: Sequence[LogRow], made: Sequence[Row]) -> bool:
    """Compare all that is hashed of a row."""
    return len(recorded) == len(made) and all(map(_is_same, recorded, made))


def _is_same(recorded: LogRow, made: Row) -> bool:
    return (
        recorded.data == made.data
        and recorded.postings == made.postings
        and recorded.stream == made.stream
        and recorded.version == made.version
        and recorded.type == made.type
        and recorded.schema_version == made.schema_version
        and recorded.partition_key == made.partition_key
        and recorded.event_id == made.event_id
        and recorded.causation_id == made.causation_id
        and recorded.correlation_id == made.correlation_id
        and recorded.actor == made.actor
    )


def _first_difference(decision: Decision, made: Sequence[Row]) -> str:
    for row, other in zip(decision.rows, made, strict=False):
        if not _is_same(row, other):
            return f"{row.type} {row.data[:200]} would be {other.type} {other.data[:200]}"
    return f"{len(decision.rows)} events would be {len(made)}"
