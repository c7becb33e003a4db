"""Row locks in memory, as Postgres has them: shared or exclusive, first come, first served.

A row need not exist to be locked here: whoever locks a missing row is about to insert it, and who
wants the same row waits for the end of that transaction, as for an INSERT of the same key.
"""

import asyncio
from collections import deque
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from danbao.kernel.errors import ConflictError, HeldUpError

LOCK_TIMEOUT_S = 2.0

Row: TypeAlias = tuple[Hashable, ...]


@dataclass(slots=True, eq=False)
class Holder:
    """One transaction: the rows it holds, and the one it waits for."""

    rows: dict[Row, bool] = field(default_factory=dict)
    """Each row, and whether it is only shared."""
    waits_for: Row | None = None


@dataclass(slots=True)
class Queue:
    """Who holds a row, and who waits for it."""

    holders: dict[Holder, bool] = field(default_factory=dict)
    waiting: deque[tuple[Holder, bool, "asyncio.Future[None]"]] = field(default_factory=deque)

    def admits(self, holder: Holder, *, shared: bool) -> bool:
        """Tell whether a holder can have the row beside those who have it."""
        return all(
            other is holder or (shared and is_shared) for other, is_shared in self.holders.items()
        )


class Locks:
    """All row locks of one database."""

    def __init__(self) -> None:
        """Nothing is locked."""
        self._rows: dict[Row, Queue] = {}

    async def take(self, holder: Holder, row: Row, *, shared: bool = False) -> None:
        """Lock a row until `release`, waiting as long as Postgres would let one wait.

        Raises:
            HeldUpError: it took too long, or two transactions wait for each other.
        """
        held = holder.rows.get(row)
        if held is False or (held and shared):
            return
        queue = self._rows.setdefault(row, Queue())
        if queue.admits(holder, shared=shared) and (held or not queue.waiting):
            self._give(queue, holder, row, shared=shared)
            return
        place = holder, shared, asyncio.get_running_loop().create_future()
        queue.waiting.append(place)
        holder.waits_for = row
        try:
            if self._is_awaited_by(holder, holder, set()):
                raise HeldUpError("two transactions wait for each other")
            async with asyncio.timeout(LOCK_TIMEOUT_S):
                await place[2]
        except TimeoutError as error:
            raise HeldUpError("waited too long for a lock") from error
        finally:
            holder.waits_for = None
            if place in queue.waiting:
                queue.waiting.remove(place)
                self._pass_on(row)

    def release(self, holder: Holder, reason: Exception | None = None) -> None:
        """Let go of all rows; with a reason, a wait under way ends with it."""
        if holder.waits_for is not None:
            for other, _, future in self._rows[holder.waits_for].waiting:
                if other is holder and not future.done():
                    future.set_exception(reason or ConflictError("the transaction is over"))
        rows = list(holder.rows)
        holder.rows.clear()
        for row in rows:
            del self._rows[row].holders[holder]
        for row in rows:
            self._pass_on(row)

    def _give(self, queue: Queue, holder: Holder, row: Row, *, shared: bool) -> None:
        queue.holders[holder] = holder.rows[row] = shared

    def _pass_on(self, row: Row) -> None:
        """Let those in that can be, in their order."""
        queue = self._rows[row]
        while queue.waiting:
            holder, shared, future = queue.waiting[0]
            if not future.done() and not queue.admits(holder, shared=shared):
                return
            queue.waiting.popleft()
            if not future.done():
                self._give(queue, holder, row, shared=shared)
                future.set_result(None)
        if not queue.holders:
            del self._rows[row]

    def _is_awaited_by(self, holder: Holder, start: Holder, seen: set[Holder]) -> bool:
        """Tell whether one of those a holder waits for waits for `start`, directly or not."""
        for other in self._before(holder):
            if other is start:
                return True
            if other not in seen:
                seen.add(other)
                if self._is_awaited_by(other, start, seen):
                    return True
        return False

    def _before(self, holder: Holder) -> Iterator[Holder]:
        """Give who must let go before a holder can go on."""
        if holder.waits_for is None:
            return
        queue = self._rows[holder.waits_for]
        yield from (other for other in queue.holders if other is not holder)
        for other, _, _ in queue.waiting:
            if other is holder:
                return
            yield other
