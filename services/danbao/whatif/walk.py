"""The walk through the log: slice by slice, each decision again on what it saw.

A slice is read, what its decisions need is loaded as of where it begins, then everything in it is
pure.  What is held between slices is bounded (`past.HELD_MAX`) and made again from the log when it
is needed once more; besides that there is one entry for each reaction that has no event yet.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from danbao.contracts.decider import Service
from danbao.contracts.message import Event
from danbao.kernel.events import decode_event
from danbao.kernel.loaded import Account
from danbao.kernel.messages import Message
from danbao.whatif.decisions import Decision, Grouping
from danbao.whatif.difference import Answer, Difference, Made, NotRedecided, made_of
from danbao.whatif.history import STREAM_ROWS_MAX, History
from danbao.whatif.merchants import merchant_of, seller_in, stream_to_ask, trade_in
from danbao.whatif.past import HELD_MAX, REJECTIONS, Moment, Past
from danbao.whatif.policies import Policies
from danbao.whatif.reading import Reason, message_of
from danbao.whatif.redecide import redecide
from danbao.whatif.sources import Sources

SLICE_POSITIONS = 5_000
STREAMS_MAX = 200
"""Streams that are read at once."""
DECISION_POSITIONS = 50
"""Positions read at once behind the end, where the last decision may go on."""


@dataclass(slots=True)
class Step:
    """One decision of a slice on its way: what it was about, what it saw, what became of it."""

    decision: Decision
    events: Sequence[Event]
    message: Message | None = None
    moment: Moment | None = None
    instead: Sequence[Made] = ()


class WhatIf:
    """One question: the policies that are exchanged, and who hears of each difference."""

    def __init__(
        self,
        history: History,
        services: Mapping[str, Service],
        policies: Policies,
        tell: Callable[[Difference | NotRedecided], None],
        *,
        held_max: int = HELD_MAX,
    ) -> None:
        self._history = history
        self._services = services
        self._policies = policies
        self._tell = tell
        self._past = Past(services, held_max)
        self._sources = Sources(services, history)
        self._answer = Answer()
        self._incarnation = UUID(int=0)
        self._done = 0

    async def ask(self, after: int, upto: int, report: Callable[[int], None]) -> Answer:
        """Decide again what was decided above one position, up to another; once.

        `report` hears of the position that was reached.
        """
        self._incarnation = await self._history.incarnation()
        self._done = after
        before = await self._history.entries(after - 1, after) if after else []
        grouping = Grouping(before[0] if before else None)
        for start in range(after, upto, SLICE_POSITIONS):
            end = min(start + SLICE_POSITIONS, upto)
            entries = await self._history.entries(start, end)
            self._answer.events += len(entries)
            await self._take(list(grouping.add(entries)))
            report(end)
        await self._complete(grouping, upto)
        await self._take(list(grouping.end()))
        for silent in self._sources.silent(after):
            self._leave(silent)
        return self._answer

    async def _complete(self, grouping: Grouping, upto: int) -> None:
        """Read on as long as the last decision does."""
        while entries := await self._history.entries(upto, upto + DECISION_POSITIONS):
            for entry in entries:
                if grouping.is_complete(entry):
                    return
                assert not list(grouping.add([entry]))
            upto += len(entries)

    async def _take(self, decisions: Sequence[Decision]) -> None:
        """Decide again what lies in one slice."""
        if not decisions:
            return
        after, upto = self._done, decisions[-1].rows[-1].position
        steps = [
            Step(decision, [decode_event(row.type, row.data) for row in decision.rows])
            for decision in decisions
        ]
        for step in steps:
            for row, event in zip(step.decision.rows, step.events, strict=True):
                self._sources.expect(row, event)
        await self._sources.find(decisions, upto)
        for step in steps:
            self._read(step)
        await self._load_own(steps, after)
        for step in steps:
            self._pass(step)
        bases = await self._load_rest(steps, after)
        different = [step for step in steps if self._redecide(step)]
        await self._load_trades(different, upto)
        for step in different:
            self._differ(step)
        self._past.end_slice(bases)
        self._done = upto

    def _read(self, step: Step) -> None:
        """Find out what was to be decided."""
        decision = step.decision
        wishes = () if decision.command is not None else self._sources.take(decision)
        if not decision.is_asked:
            return
        read = message_of(decision, wishes)
        if isinstance(read, Message):
            step.message = read
        else:
            self._leave_step(step, read)

    async def _load_own(self, steps: Iterable[Step], after: int) -> None:
        """Load the streams that the slice changes, and those that its wishes are about."""
        begun: set[str] = set()
        names: set[str] = set()
        for step in steps:
            for row in step.decision.rows:
                if not row.stream.startswith(REJECTIONS):
                    names.add(row.stream)
                    if row.version == 1:
                        begun.add(row.stream)
            if step.message is not None:
                service = self._services[step.decision.service]
                for wish in step.message.wishes:
                    decider = service.decider_of(type(wish))
                    names.add(decider.stream_of(wish))
                    names.update(decider.needs(wish, decider.initial).streams)
        for name in begun:
            self._past.hold_stream(name, self._past.begin(name))
        await self._load(names, after)

    def _pass(self, step: Step) -> None:
        """Note what a decision saw, then go on by its events."""
        if step.message is not None:
            service = self._services[step.decision.service]
            step.moment = self._past.moment(service, step.message)
        for row, event in zip(step.decision.rows, step.events, strict=True):
            self._past.apply(row, event)

    async def _load_rest(self, steps: Iterable[Step], after: int) -> Mapping[Account, int]:
        """Load the facts and balances that decisions saw and that were not held."""
        moments = [step.moment for step in steps if step.moment is not None]
        await self._load({key for moment in moments for key in moment.facts_missing}, after)
        accounts = {account for moment in moments for account in moment.moved}
        bases = await self._history.balances(accounts, after) if accounts else {}
        for moment in moments:
            self._past.complete(moment, bases)
        return bases

    async def _load(self, names: Iterable[str], position: int) -> None:
        """Fold streams that are not held, as of a position."""
        missing = sorted(self._past.missing_streams(names))
        for start in range(0, len(missing), STREAMS_MAX):
            after = dict.fromkeys(missing[start : start + STREAMS_MAX], 0)
            folded = {name: self._past.begin(name) for name in after}
            while after:
                found = await self._history.rows_of_streams(after, position)
                for name, rows in found.items():
                    folded[name] = self._past.fold(name, folded[name], rows)
                after = {
                    name: rows[-1].version
                    for name, rows in found.items()
                    if len(rows) == STREAM_ROWS_MAX
                }
            for name, stream in folded.items():
                self._past.hold_stream(name, stream)

    def _redecide(self, step: Step) -> bool:
        """Decide one decision again; tell whether it would differ."""
        if step.message is None or step.moment is None:
            return False
        outcome = redecide(
            self._services[step.decision.service],
            self._incarnation,
            step.decision,
            step.message,
            step.moment,
            self._policies,
        )
        if outcome.reason is not None:
            self._leave_step(step, outcome.reason, outcome.detail)
            return False
        self._answer.decisions += 1
        self._answer.redecided += 1
        if outcome.instead is None:
            return False
        step.instead = [Made(row.type, row.data) for row in outcome.instead]
        return True

    async def _load_trades(self, steps: Iterable[Step], position: int) -> None:
        """Load the trades that say whose decisions these are; payments lead to some of them."""
        asked = {name for step in steps if (name := stream_to_ask(step.events))}
        await self._load(asked, position)
        trades = {name for each in asked if (name := trade_in(self._past.state(each)))}
        await self._load(trades, position)

    def _differ(self, step: Step) -> None:
        row, events = step.decision.rows[0], step.events
        merchant = merchant_of(events)
        if merchant is None and (name := stream_to_ask(events)) is not None:
            state = self._past.state(name)
            trade = trade_in(state)
            merchant = seller_in(self._past.state(trade) if trade else state)
        difference = Difference(
            row.position,
            row.recorded_at,
            row.type,
            row.partition_key,
            merchant,
            made_of(step.decision),
            step.instead,
        )
        self._answer.add(difference)
        self._tell(difference)

    def _leave_step(self, step: Step, reason: Reason, detail: str = "") -> None:
        row = step.decision.rows[0]
        left = NotRedecided(
            row.position, row.recorded_at, row.type, row.partition_key, reason, detail
        )
        self._answer.decisions += 1
        self._leave(left)

    def _leave(self, left: NotRedecided) -> None:
        self._answer.leave(left)
        self._tell(left)
