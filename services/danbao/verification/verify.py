"""Verifying the log: everything that follows from it, recomputed from the first event on.

Rows are checked in stretches of positions and in stretches of streams, each a task of its own in a
pool of processes; the trees of the stretches are joined here.  Each read is a short statement or a
short snapshot, so that it can be asked of an engine at work.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Executor
from itertools import pairwise
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import msgspec
import uvloop

from danbao.proofs.tree import Frontier, join_nodes
from danbao.verification.balances import check_books, check_guarded, check_read_models
from danbao.verification.checkpoints import Collection, within
from danbao.verification.problems import Found, Problem, in_order
from danbao.verification.reading import reading
from danbao.verification.rows import STRETCH, Q, Stretch, check_stretch
from danbao.verification.streams import check_streams

STREAM_PARTS_EVERY = 50_000
"""Events in one stretch of streams, about."""
Report = Callable[[int], None]
Result = TypeVar("Result")


class Verified(msgspec.Struct):
    """What was checked, how much of it, and what is wrong."""

    events: int
    root: str
    checked: dict[str, int]
    unknown_signers: int
    count: int
    problems: list[Problem]

    @property
    def first(self) -> int | None:
        """The first position that is wrong."""
        return min((p.position for p in self.problems if p.position is not None), default=None)


async def verify(
    dsn: str, collection: Collection, pool: Executor, report: Report = lambda _: None
) -> Verified:
    """Recompute everything in the tasks of a pool; `collection` has checkpoints from outside.

    `report` is told how many of twice the events are done.
    """
    async with reading(dsn) as connection:
        await collection.add_table(connection)
        head = await connection.fetchrow(Q["head"])
        assert head is not None
        events: int = head["position"]
        cuts = await _cuts(connection, events)
        parts = await _run(pool, dsn, head, cuts, collection.sizes(events), report)
        guarded = await check_guarded(connection, events, _moved(parts.stretches))
    rows = _join_rows(parts.stretches, head)
    root, roots = join_trees(parts.stretches)
    collection.compare(roots, events)
    found = {
        "rows": rows,
        "events of streams": parts.streams,
        "guarded balances": guarded,
        "closings": parts.books,
        "rows of read models": parts.models,
        "checkpoints": collection.found,
    }
    return Verified(
        events=events,
        root=root.hex(),
        checked={name: each.checked for name, each in found.items()},
        unknown_signers=collection.unknown,
        count=sum(each.count for each in found.values()),
        problems=in_order(problem for each in found.values() for problem in each.problems),
    )


class _Parts(msgspec.Struct):
    stretches: list[Stretch]
    streams: Found
    books: Found
    models: Found


async def _run(
    pool: Executor,
    dsn: str,
    head: asyncpg.Record,
    cuts: Sequence[str | None],
    sizes: Sequence[int],
    report: Report,
) -> _Parts:
    """Run all tasks; the longest begin first."""
    loop, events = asyncio.get_running_loop(), head["position"]
    incarnation, done = UUID(bytes=head["incarnation"].bytes), 0

    async def run(count: int, task: Callable[..., Result], *arguments: object) -> Result:
        nonlocal done
        result = await loop.run_in_executor(pool, task, *arguments)
        done += count
        report(done)
        return result

    models = asyncio.create_task(run(0, read_models_task, dsn))
    books = asyncio.create_task(run(0, books_task, dsn))
    streams = [
        run(events // (len(cuts) - 1), streams_task, dsn, after or "", before)
        for after, before in pairwise(cuts)
    ]
    stretches = [
        run(end - start, stretch_task, dsn, incarnation, start, end, within(sizes, start, end))
        for start in range(0, events, STRETCH)
        for end in (min(start + STRETCH, events),)
    ]
    found = await asyncio.gather(asyncio.gather(*streams), asyncio.gather(*stretches))
    together = Found()
    for part in found[0]:
        together.take(part)
    return _Parts(found[1], together, await books, await models)


def stretch_task(*arguments: Any) -> Stretch:  # noqa: ANN401 - those of check_stretch
    """Check a stretch of rows in a process of the pool."""
    return _in_process(check_stretch(*arguments))


def streams_task(dsn: str, after: str, before: str | None) -> Found:
    """Check a stretch of streams in a process of the pool."""
    return _in_process(check_streams(dsn, after, before))


def books_task(dsn: str) -> Found:
    """Check the closings in a process of the pool."""
    return _in_process(check_books(dsn))


def read_models_task(dsn: str) -> Found:
    """Check the read models in a process of the pool."""
    return _in_process(check_read_models(dsn))


def _in_process(work: Coroutine[Any, Any, Result]) -> Result:
    return uvloop.run(work)


async def _cuts(connection: asyncpg.Connection, events: int) -> list[str | None]:
    """Streams at which to cut the streams into parts of about one length."""
    positions = list(range(STREAM_PARTS_EVERY, events, STREAM_PARTS_EVERY))
    rows = await connection.fetch(Q["streams_at"], positions) if positions else []
    return ["", *(row["stream"] for row in rows), None]


def _moved(stretches: Sequence[Stretch]) -> Counter[tuple[str, str]]:
    moved: Counter[tuple[str, str]] = Counter()
    for stretch in stretches:
        moved.update(stretch.moved)
    return moved


def _join_rows(stretches: Sequence[Stretch], head: asyncpg.Record) -> Found:
    """Put the stretches together, and look at what lies between and beyond them."""
    found, micros = Found(), 0
    for stretch in stretches:
        found.take(stretch.found)
        if stretch.first_micros is not None and stretch.last_micros is not None:
            if stretch.first_micros < micros:
                detail = "it was recorded before the one before it"
                found.add("time_falls", detail, stretch.start + 1)
            micros = stretch.last_micros
    if head["micros"] < micros:
        found.add("time_falls", "the head is older than the last event", head["position"])
    if head["last"] is not None and head["last"] > head["position"]:
        detail = f"the log says it ends at {head['position']}, and has rows up to {head['last']}"
        found.add("beyond_head", detail, head["position"] + 1)
    if head["first"] is not None and head["first"] < 1:
        found.add("beyond_head", f"there is a row at position {head['first']}", head["first"])
    if head["strangers"]:
        found.add("shard_unknown", "there are rows of a shard that this version does not have")
    return found


def join_trees(stretches: Sequence[Stretch]) -> tuple[bytes, dict[int, bytes]]:
    """Root of the whole log, and of its first events, of each wanted number."""
    tree, roots = Frontier(), {0: Frontier().root()}
    for stretch in stretches:
        for size, nodes in stretch.marks.items():
            roots[size] = join_nodes([*tree.nodes, *nodes])
        tree.join(stretch.end - stretch.start, stretch.nodes)
    return tree.root(), roots
