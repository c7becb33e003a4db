"""Runs all checks over one set of tables and topics, in one pass over each."""

from __future__ import annotations

import gc
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .accounts import Accounts
from .answers import Answers
from .deadlines import Deadlines
from .expected import Figures, Sent
from .files import files_beside, read_expected, read_lines
from .kafka import open_topics
from .ledger import Ledger
from .log_hash import LogHash
from .log_order import LogOrder
from .models import Models, Outcomes
from .offsets import Offsets
from .parsing import parse_event
from .payments import Payments
from .postgres import open_tables
from .posting_rules import PostingRules
from .relayed import Relayed
from .report import Report, Violation
from .settlements import Settlements
from .tables import MODEL_KEYS, Tables, Topics
from .trades import Trades
from .world import World

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from .rows import Head, Line, Offset

FOLDED_MODELS: Final = tuple(name for name in MODEL_KEYS if name != "command_outcomes")


class Audit:
    """One audit. `live` is for a running engine: it asks nothing that needs quiet."""

    def __init__(self, tables: Tables, *, live: bool = False, examples_max: int = 1) -> None:
        """Start with an empty world."""
        self.report = Report(examples_max)
        self.world = World()
        self.rows_count = 0
        self._tables = tables
        self._live = live
        self._answers = Answers(self.report)
        self._deadlines = Deadlines(self.report)
        self._offsets: list[Offset] = []
        self._heads: list[Head] = []

    async def log(self) -> None:
        """Read the log once; every check takes each event, the ledger before the folds."""
        report, world = self.report, self.world
        self._offsets = await self._tables.offsets()  # what is below them is in the heads
        self._heads = await self._tables.heads()
        order = LogOrder(report)
        hashes = LogHash(report, await self._tables.checkpoints())
        payments, settlements = Payments(report, world), Settlements(report, world)
        takes = [
            *(order.event, hashes.event, self._answers.event, self._deadlines.event),
            *(Accounts(report, world).event, PostingRules(report).event),
            Ledger(report, world).event,
            *(payments.event, Trades(report, world).event, settlements.event),
        ]
        async for rows in self._tables.log():
            for row in rows:
                event = parse_event(row, report)
                for take in takes:
                    take(event)
            self.rows_count += len(rows)
        order.finish(self._heads)
        hashes.finish()
        if not self._live:
            payments.finish_at_rest()
            settlements.finish_at_rest()

    async def inbox(
        self, expected: Mapping[str, Any] | None = None, lines: Iterable[Line] | None = None
    ) -> None:
        """Read the inbox once, after the log, with the outcomes and the files beside it."""
        sent = Sent(self.report, lines, self._answers.reused_ids)
        outcomes = Outcomes(self.report, self._answers.blocks)
        if not self._live:
            async for read in self._tables.model("command_outcomes"):
                for outcome in read:
                    outcomes.take(outcome)
        end = max((head.position for head in self._heads), default=0)
        async for rows in self._tables.inbox():
            for row in rows:
                if self._live and (row.first_position or 0) > end:
                    continue  # answered after the audit began
                self._answers.inbox(row)
                self._deadlines.inbox(row)
                sent.inbox(row)
                if not self._live:
                    outcomes.inbox(row)
        self._answers.finish()
        self._deadlines.finish()
        if not self._live:
            outcomes.finish()
            timers = await self._tables.timers()
            self._deadlines.finish_at_rest(timers, await self._tables.now())
        if expected is not None:
            sent.finish(expected)

    async def models(self) -> None:
        """Compare the read models with the fold of the log."""
        models = Models(self.report, self.world)
        for name in FOLDED_MODELS:
            rows = {}
            async for some in self._tables.model(name):
                rows.update({tuple(row[k] for k in MODEL_KEYS[name]): row for row in some})
            models.compare(name, rows)

    def figures(self, expected: Mapping[str, Any]) -> None:
        """Compare the fold with the figures of a market day."""
        Figures(self.report, self.world, self._answers.reused_ids).compare(expected)

    async def topics(self, topics: Topics) -> None:
        """Read the topics once, with the log, the inbox and the offsets beside them."""
        offsets = Offsets(self.report, self._offsets, live=self._live)
        letters, inbox = await self._tables.letters(), self._answers.inbox_ids
        relayed = Relayed(self.report, self._tables, self._heads)
        async for records in topics.records():
            await relayed.take(records)
            offsets.take(records, inbox, letters)
        if not self._live:
            relayed.finish_at_rest()
        async for records in topics.commands():
            offsets.take(records, inbox, letters)
        offsets.finish(await topics.ends())


async def run(
    tables: Tables,
    topics: Topics | None = None,
    *,
    expected: Mapping[str, Any] | None = None,
    lines: Iterable[Line] | None = None,
    live: bool = False,
    examples_max: int = 1,
) -> Report:
    """Run every check that what is given allows."""
    audit = Audit(tables, live=live, examples_max=examples_max)
    await audit.log()
    await audit.inbox(expected, lines)
    if not live:
        await audit.models()
    if expected is not None:
        audit.figures(expected)
    if topics is not None:
        await audit.topics(topics)
    return audit.report


async def audit(
    dsn: str,
    bootstrap: str | None = None,
    expected: str | Path | None = None,
    files: Sequence[str | Path] | None = None,
    *,
    live: bool = False,
    examples_max: int = 1,
) -> list[Violation]:
    """Audit running servers; the result is empty when everything is as it should be.

    The engine must be idle (`danbao wait --idle`), unless `live` is set: then nothing is asked
    that only quiet can answer (read models, ends of payments, what the relay still has to do).
    Without `files`, those that lie beside `expected` are read.
    """
    figures = lines = None
    if expected is not None:
        path = Path(expected)
        figures = read_expected(path)
        files = files_beside(path) if files is None else files
    if files:
        lines = list(read_lines(map(Path, files)))
    with _no_collection():
        async with AsyncExitStack() as stack:
            tables = await stack.enter_async_context(open_tables(dsn, live=live))
            topics: Topics | None = None
            if bootstrap is not None:
                topics = await stack.enter_async_context(open_topics(bootstrap))
            report = await run(
                tables, topics, expected=figures, lines=lines, live=live, examples_max=examples_max
            )
    return report.violations()


@contextmanager
def _no_collection() -> Iterator[None]:
    """Spare the garbage collector: a fold keeps all it makes, and makes no cycles."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
