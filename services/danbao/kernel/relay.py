"""The relay: publishes the log to Kafka, in order, each event once (architecture 7).

One is active at a time, by a lease in Postgres and by a fence in each partition of Kafka.
After any unclear answer it opens a new producer, asks each partition what it holds, and goes on
from there; it never remembers what it believes to have sent.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec
import structlog

from danbao.kernel.crash import crash_point
from danbao.kernel.errors import (
    FencedError,
    KafkaLostError,
    LogOlderError,
    RetryableError,
    UnavailableError,
)
from danbao.kernel.messages import TopicPartition
from danbao.kernel.ports import Clock, EventSink, Prepared, Store
from danbao.kernel.pulse import Pulse
from danbao.kernel.records import number
from danbao.kernel.settings import Settings

RETRY_S = 0.5
PATIENCE = 20
"""A broker that was killed shows less than it has while it recovers: ask so often before stopping.
"""

FENCE_ANEW_S = 12 * 3600
"""A broker forgets whom it refuses when a publisher has sent nothing to a partition for a day, and
a transactional id after a week (`producer.id.expiration.ms`, `transactional.id.expiration.ms`)."""

GATHER_LINGERS_MAX = 14
"""A busy relay gathers for at most so many times `relay_linger_ms`."""

CONFIRM_EVERY_S = 0.05
"""A busy relay notes in Postgres so often what was published; it is a lower bound, no more."""

log = structlog.get_logger()


class Chunk(msgspec.Struct, frozen=True):
    """A slice of the log, ready to be published."""

    rows: int
    """How many rows were read."""
    position: int
    """Of the last row; where it was read after, if there is none."""
    records: Prepared
    """Of those rows that their partitions do not hold yet."""
    fresh: int
    """How many rows those are."""
    last: Mapping[TopicPartition, int]
    """The last position of each partition, once this is published."""


@dataclass(slots=True)
class Relay:
    """One candidate for publishing the log."""

    store: Store
    sink: EventSink
    clock: Clock
    settings: Settings
    owner: str
    agree: Callable[[], Awaitable[None]] | None = None
    """Compares what Kafka holds with the log, once; only behind the fence, as until then a relay
    that died may still have something on its way."""
    stopping: bool = False
    pulse: Pulse = field(default_factory=Pulse)
    published: int = 0
    position: int = 0
    opened: int = 0
    _last: Mapping[TopicPartition, int] | None = None
    _fence_anew_at: float = 0.0
    _ahead: Chunk | None = None
    _renew_at: float = 0.0
    _confirmed: int = 0
    _confirm_at: float = 0.0
    _standing_by: bool = False
    _short_of_confirmed: int = 0

    async def run(self) -> None:
        """Publish until asked to stop."""
        while not self.stopping:
            self.pulse.turn()
            try:
                began = self.clock.monotonic()
                count = await self.step()
                self.pulse.answered()
                took = self.clock.monotonic() - began
                if not count:
                    with self.pulse.rest():
                        await self.store.wait_for_news(self.settings.poll_s)
                if count < self.settings.relay_chunk_max:
                    await self.clock.sleep(self._gather_s(took))
            except FencedError:
                self._last = None
            except RetryableError as error:
                self._last = None
                log.warning("relay.interrupted", error_code=error.code, error=str(error)[:200])
                await self.clock.sleep(RETRY_S)

    def _gather_s(self, took: float) -> float:
        """How long to gather events: as long as publishing the last ones took, within bounds.

        A broker pays for each request and for each partition in it, whatever their number of
        records.  The busier it is, the longer a chunk takes, and the fuller the next one gets.
        """
        linger = self.settings.relay_linger_ms / 1000
        return max(linger, min(took, linger * GATHER_LINGERS_MAX))

    @property
    def is_leading(self) -> bool:
        """Whether it publishes, rather than stands by."""
        return self._renew_at > 0 and not self._standing_by

    def unready(self) -> list[str]:
        """Say what keeps this relay from publishing; one that stands by is ready."""
        if self._last is None and not self._standing_by:
            return ["Kafka has not yet said what it holds"]
        return []

    def marks(self) -> Mapping[str, object]:
        """What it published, and how often it had to ask Kafka anew."""
        return {"published": (self.position, self.opened)}

    async def leave(self) -> None:
        """Let the lease run out now: the next relay need not wait for it."""
        if self._renew_at and not self._standing_by:
            with suppress(FencedError):  # another leads already
                await self._confirm()
            await self.store.take_lease(self.owner, self.clock.now(), 0)

    async def step(self) -> int:
        """Publish what is there, one chunk; gives how many rows were read."""
        if not await self._hold_lease():
            return 0
        if self._last is None or self.clock.monotonic() >= self._fence_anew_at:
            await self._open()
        assert self._last is not None
        chunk = self._ahead or await self._prepare(self.position, self._last)
        self._ahead = None
        if not chunk.rows:
            await self._confirm()
            return 0
        crash_point("relay.before_send")
        try:
            ahead = await self._publish(chunk)
        except BaseException:
            self._last = None
            raise
        crash_point("relay.committed")
        self._last, self._ahead = chunk.last, ahead
        self.published += chunk.fresh
        self.position = chunk.position
        if self.clock.monotonic() >= self._confirm_at:
            await self._confirm()
        return chunk.rows

    async def _prepare(self, after: int, last: Mapping[TopicPartition, int]) -> Chunk:
        """Read what follows a position, and make records of it."""
        rows = await self.store.read_log(after, self.settings.relay_chunk_max)
        fresh, last = number(rows, last, self.sink.place_of)
        records = await self.sink.prepare(fresh)
        return Chunk(len(rows), rows[-1].position if rows else after, records, len(fresh), last)

    async def _confirm(self) -> None:
        """Note what is certainly published, if Postgres does not know it yet.

        Raises:
            FencedError: the lease is another's.
        """
        if self.position <= self._confirmed:
            return
        await self.store.confirm(self.owner, self.position)
        self._confirmed = self.position
        self._confirm_at = self.clock.monotonic() + CONFIRM_EVERY_S
        crash_point("relay.confirmed")

    async def _publish(self, chunk: Chunk) -> Chunk | None:
        """Publish a chunk; a relay that is behind prepares the next one meanwhile, and gives it."""
        if chunk.rows < self.settings.relay_chunk_max:
            await self.sink.publish(chunk.records)
            return None
        published, ahead = await asyncio.gather(
            self.sink.publish(chunk.records),
            self._prepare(chunk.position, chunk.last),
            return_exceptions=True,
        )
        if isinstance(published, BaseException):  # first: a sink that gave up cannot prepare
            raise published
        if isinstance(ahead, BaseException):
            raise ahead
        return ahead if ahead.rows else None

    async def _hold_lease(self) -> bool:
        """Be the relay, or stand by."""
        if self.clock.monotonic() < self._renew_at:
            return True
        seconds = self.settings.relay_lease_s
        confirmed = await self.store.take_lease(self.owner, self.clock.now(), seconds)
        if confirmed is None:
            self._last = None
            if not self._standing_by:
                log.info("relay.standing_by", owner=self.owner)
            self._standing_by = True
            return False
        if self._standing_by or self._renew_at == 0.0:
            log.info("relay.leading", owner=self.owner, position=confirmed)
        if self._last is not None and confirmed < self._confirmed:
            raise LogOlderError(f"{self._confirmed} was confirmed, but Postgres says {confirmed}")
        self._standing_by = False
        self._renew_at = self.clock.monotonic() + seconds / 3
        if self._last is None:
            self.position = self._confirmed = confirmed
        return True

    async def _open(self) -> None:
        """Ask Kafka what it holds, and check that it fits the log.

        Raises:
            KafkaLostError: Kafka holds less than was confirmed.
            LogOlderError: Kafka holds more than the log has.
        """
        self._last, self._ahead = None, None
        self._fence_anew_at = self.clock.monotonic() + FENCE_ANEW_S
        self.opened += 1
        last = await self.sink.open()
        self.pulse.turn()
        if self.agree is not None:
            await self.agree()
            self.agree = None
            self.pulse.turn()
        confirmed = await self.store.take_lease(
            self.owner, self.clock.now(), self.settings.relay_lease_s
        )
        if confirmed is None:
            raise FencedError("the relay's lease was taken while Kafka was asked")
        head = await self.store.head()
        held = max(last.values(), default=0)
        if held < confirmed and self._short_of_confirmed < PATIENCE:
            self._short_of_confirmed += 1
            raise UnavailableError(f"Kafka shows events up to {held} so far, not {confirmed}")
        if held < confirmed:
            raise KafkaLostError(
                f"the events topics end at position {held}, but {confirmed} was published"
            )
        if held > head:
            raise LogOlderError(
                f"the events topics end at position {held}, but the log ends at {head}"
            )
        self._short_of_confirmed = 0
        self._last = last
        self.position = self._confirmed = confirmed
