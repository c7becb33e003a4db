"""The walk through the log: slice by slice, each decision again on what it saw.

A slice is read, what its decisions need is loaded as of where it begins, then everything in it is
pure.  What is held between slices is bounded (`past.HELD_MAX`) and made again from the log when it
is needed once more; besides that there is one entry for each reaction that has no event yet.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

from danbao.contracts.decider import Service
from danbao.contracts.message import Event
from danbao.kernel.events import decode_event
from danbao.kernel.loaded import Account
from danbao.kernel.messages import Message
from danbao.whatif.decisions import Decision, Entry, Grouping
from danbao.whatif.difference import Answer, Difference, Made, NotRedecided
from danbao.whatif.history import STREAM_ROWS_MAX, History
from danbao.whatif.merchants import merchant_of, seller_in, stream_to_ask, trade_in
from danbao.whatif.money import effects
from danbao.whatif.past import HELD_MAX, REJECTIONS, Moment, Past
from danbao.whatif.policies import Policies
from danbao.whatif.reading import message_of
from danbao.whatif.redecide import Outcome, redecide
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
    message: Message | None = None
    moment: Moment | None = None
    outcome: Outcome | None = None

    @property
    def events(self) -> list[Event]:
        """What was recorded."""
        return [decode_event(row.type, row.data) for row in self.decision.rows]


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
        async with aclosing(self._slices(after, upto)) as slices:
            async for entries in slices:
                self._answer.events += len(entries)
                await self._take(list(grouping.add(entries)))
                report(entries[-1].row.position)
        await self._complete(grouping, upto)
        await self._take(list(grouping.end()))
        for silent in self._sources.silent(after):
            self._leave(silent)
        return self._answer

    async def _slices(self, after: int, upto: int) -> AsyncGenerator[Sequence[Entry], None]:
        """Give the log slice by slice; the next is read while the one before is worked on."""
        reading: asyncio.Future[Sequence[Entry]] | None = None
        try:
            for start in range(after, upto, SLICE_POSITIONS):
                entries = await reading if reading is not None else []
                end = min(start + SLICE_POSITIONS, upto)
                reading = asyncio.ensure_future(self._history.entries(start, end))
                if entries:
                    yield entries
            if reading is not None:
                yield await reading
        finally:
            if reading is not None:
                reading.cancel()

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
        steps = [Step(decision) for decision in decisions]
        for step in steps:
            for row in step.decision.rows:
                self._sources.expect(row)
        await self._sources.find(decisions, upto)
        for step in steps:
            self._read(step)
        await self._load_own(steps, after)
        for step in steps:
            self._pass(step)
        bases = await self._load_rest(steps, after)
        for step in steps:
            if step.outcome is None:
                self._redecide(step)
        self._past.end_slice(bases)
        await self._load_trades(steps, upto)
        for step in steps:
            self._conclude(step)
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
            step.outcome = Outcome(reason=read)

    async def _load_own(self, steps: Iterable[Step], after: int) -> None:
        """Load the streams that the slice changes, and those that its wishes name."""
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
                    needs = decider.needs(wish, decider.initial)
                    names.update(needs.streams, needs.facts)
        for name in begun:
            self._past.hold_stream(name, self._past.begin(name))
        await self._load(names, after)

    def _pass(self, step: Step) -> None:
        """Note what a decision saw, then go on by what was recorded of it.

        Where all that it saw is held it is made again at once: when it gives the bytes that were
        recorded, what it leaves behind is what they would be folded to.
        """
        if step.message is not None:
            service = self._services[step.decision.service]
            step.moment = self._past.moment(service, step.message)
            if step.moment.is_complete:
                self._redecide(step)
        after = step.outcome.after if step.outcome is not None else None
        if after is not None:
            self._past.adopt(after.streams, after.balances)
            return
        for row in step.decision.rows:
            self._past.apply(row)

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

    def _redecide(self, step: Step) -> None:
        """Decide one decision again."""
        if step.message is None or step.moment is None:
            return
        step.outcome = redecide(
            self._services[step.decision.service],
            self._incarnation,
            step.decision,
            step.message,
            step.moment,
            self._policies,
        )

    async def _load_trades(self, steps: Iterable[Step], position: int) -> None:
        """Load the trades that say whose decisions these are; payments lead to some of them."""
        asked = {
            name
            for step in steps
            if step.outcome is not None
            and step.outcome.instead is not None
            and (name := stream_to_ask(step.events))
        }
        await self._load(asked, position)
        trades = {name for each in asked if (name := trade_in(self._past.state(each)))}
        await self._load(trades, position)

    def _conclude(self, step: Step) -> None:
        """Count what became of a decision, and tell of it when it differs or was left."""
        outcome, row = step.outcome, step.decision.rows[0]
        if outcome is None:
            return
        self._answer.decisions += 1
        if outcome.reason is not None:
            left = NotRedecided(
                row.position,
                row.recorded_at,
                row.type,
                row.partition_key,
                outcome.reason,
                outcome.detail,
            )
            self._leave(left)
            return
        self._answer.redecided += 1
        if outcome.instead is None:
            return
        recorded = step.events
        instead = [decode_event(each.type, each.data) for each in outcome.instead]
        difference = Difference(
            row.position,
            row.recorded_at,
            row.type,
            row.partition_key,
            self._merchant(recorded),
            [Made(each.type, each.data) for each in step.decision.rows],
            [Made(each.type, each.data) for each in outcome.instead],
            effects(recorded, instead),
        )
        self._answer.add(difference)
        self._tell(difference)

    def _merchant(self, events: Sequence[Event]) -> str | None:
        """Whose decision it is; the streams that lead there are held."""
        merchant = merchant_of(events)
        if merchant is None and (name := stream_to_ask(events)) is not None:
            state = self._past.state(name)
            trade = trade_in(state)
            merchant = seller_in(self._past.state(trade) if trade else state)
        return merchant

    def _leave(self, left: NotRedecided) -> None:
        self._answer.leave(left)
        self._tell(left)
