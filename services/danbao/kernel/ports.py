"""Ports: the three things of the world that the kernel knows, each as a small interface.

Each has a real implementation (postgres, kafka, clock) and one in memory, and one conformance
suite runs on both.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol, TypeAlias
from uuid import UUID

from danbao.kernel.loaded import Account
from danbao.kernel.messages import (
    KeptLetter,
    Locked,
    LogRow,
    Numbered,
    Offset,
    Record,
    StoredStream,
    TimerRow,
    TopicPartition,
    Writes,
)

Prepared: TypeAlias = Sequence[tuple[TopicPartition, Any]]
"""Records for their partitions, in the form of the sink that made them."""


class Clock(Protocol):
    """What time it is."""

    def now(self) -> datetime:
        """Give the time now, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that only ever rise, whatever is done to the time of day."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Unit(Protocol):
    """One transaction; locks are taken in the order of these methods and no other."""

    append_s: float
    """Seconds that the statement took which numbers and appends rows: waiting for the head row,
    and work."""

    async def lock_offsets(
        self, service: str, places: Iterable[TopicPartition]
    ) -> dict[TopicPartition, Offset]:
        """Lock how far the service has read; partitions never claimed are absent."""
        ...

    async def lock(
        self,
        service: str,
        places: Iterable[TopicPartition],
        command_ids: Iterable[str],
        streams: Iterable[str],
    ) -> Locked:
        """Lock how far the service has read, find answers, and lock streams, in this order.

        Streams that are not there stand at version 0, and nobody holds them: `write` refuses the
        batch when somebody was faster.
        """
        ...

    async def find_streams(self, streams: Iterable[str]) -> set[str]:
        """Give those streams that the log has events of."""
        ...

    async def lock_streams(self, streams: Iterable[str]) -> dict[str, StoredStream]:
        """Lock streams, those about to begin too, and give their cached states."""
        ...

    async def read_stream(self, stream: str) -> Sequence[LogRow]:
        """Give all events of a stream, oldest first."""
        ...

    async def share_facts(self, keys: Iterable[str]) -> dict[str, str | None]:
        """Lock shared facts against change, and give them."""
        ...

    async def lock_balances(self, accounts: Iterable[Account]) -> dict[Account, int]:
        """Lock guarded accounts that may be debited; those never credited have 0."""
        ...

    async def lock_letters(
        self, service: str, place: TopicPartition, flow: str | None, limit: int
    ) -> Sequence[KeptLetter]:
        """Lock dead letters, the oldest first.

        With a flow: all that are not settled; without: those that somebody wants retried.
        """
        ...

    async def write(self, service: str, writes: Writes) -> int:
        """Write what a batch changes, the log last; gives the log's new head position.

        Raises:
            ConflictError: something is not as it was read, or a stream has begun that was absent.
            RefusedError: the database refuses it.
        """
        ...


class Store(Protocol):
    """The log, and what the kernel keeps beside it."""

    async def incarnation(self) -> UUID:
        """Which log this is: a restored or new one has another incarnation."""
        ...

    def unit(self) -> AbstractAsyncContextManager[Unit]:
        """Open a transaction; it commits at the end of the block.

        Those who follow the log are woken when it wrote to it.

        Raises:
            OutcomeUnknownError: the connection broke during COMMIT.
            UnavailableError: the connection broke before.
        """
        ...

    async def claim(self, service: str, place: TopicPartition, start: int) -> Offset:
        """Take a partition over: the epoch rises, so that earlier owners are fenced."""
        ...

    async def read_offset(self, service: str, place: TopicPartition) -> Offset:
        """Read how far the service is, waiting for whoever has it locked."""
        ...

    async def head(self) -> int:
        """The log's last position."""
        ...

    async def read_log(self, after: int, limit: int) -> Sequence[LogRow]:
        """Read the log by position; it has no gaps."""
        ...

    async def due_timers(
        self, now: datetime, besides: Iterable[str], limit: int
    ) -> Sequence[TimerRow]:
        """Give deadlines that have come, the oldest first, besides those named."""
        ...

    async def parked_flows(self, service: str, place: TopicPartition) -> set[str]:
        """Give the flows with a dead letter that is neither retried nor discarded."""
        ...

    async def retries(self, service: str) -> Sequence[tuple[TopicPartition, str | None]]:
        """Give where dead letters can be tried again.

        Places with commands that somebody wants retried (no flow), and flows whose first event
        is wanted, or waits behind nothing any more.
        """
        ...

    async def take_lease(self, owner: str, now: datetime, seconds: float) -> int | None:
        """Take or renew the relay's lease; gives the confirmed position, None when it is taken."""
        ...

    async def confirm(self, owner: str, position: int) -> None:
        """Note that everything up to a position is certainly published.

        Raises:
            FencedError: the lease is another's.
        """
        ...

    async def wait_for_news(self, seconds: float) -> None:
        """Wait until somebody writes to the log, at most so long."""
        ...

    async def close(self) -> None:
        """Let go of all connections."""
        ...


class Source(Protocol):
    """Records of the topics that one worker reads."""

    async def start(self) -> None:
        """Join the group."""
        ...

    async def poll(self, records_max: int, wait_s: float) -> Sequence[Record]:
        """Give what is there, at most so many; waits for a first one, or an assignment."""
        ...

    def assigned(self) -> set[TopicPartition]:
        """The partitions that are this worker's now."""
        ...

    def is_joined(self) -> bool:
        """Tell whether the group has given this member its partitions, even if none."""
        ...

    def take_unclaimed(self) -> set[TopicPartition]:
        """Partitions that were assigned and not claimed yet; each is given once."""
        ...

    async def bounds(
        self, places: Iterable[TopicPartition]
    ) -> dict[TopicPartition, tuple[int, int]]:
        """First offset that is there, and the offset that the next record will get."""
        ...

    def seek(self, place: TopicPartition, offset: int) -> None:
        """Go on from an offset, at once."""
        ...

    def hold(self, place: TopicPartition, offset: int) -> None:
        """Give nothing of a partition until `seek`; it will go on from `offset`."""
        ...

    def oldest_s(self) -> float | None:
        """When the oldest record of the last poll was made, in seconds since 1970.

        None when that poll gave nothing, or waits.
        """
        ...

    async def close(self) -> None:
        """Leave the group."""
        ...


class CommandSink(Protocol):
    """Where the scheduler sends commands."""

    async def send(self, timers: Sequence[TimerRow], now: datetime) -> None:
        """Send the commands of deadlines; returns when all are acknowledged."""
        ...

    async def close(self) -> None:
        """Let go of the producer."""
        ...


class EventSink(Protocol):
    """Where the relay publishes the log."""

    async def open(self) -> dict[TopicPartition, int]:
        """Become the one publisher; gives the last position that each partition holds."""
        ...

    async def prepare(self, rows: Sequence[Numbered]) -> Prepared:
        """Make records of rows, in order; gives way to what is being published."""
        ...

    async def publish(self, records: Prepared) -> None:
        """Publish what was prepared, in order within each partition.

        Raises:
            OutcomeUnknownError: some partitions may have them, and others not; open again.
        """
        ...

    def place_of(self, row: LogRow) -> TopicPartition:
        """The partition that a row belongs to."""
        ...

    async def close(self) -> None:
        """Let go of the producer."""
        ...
