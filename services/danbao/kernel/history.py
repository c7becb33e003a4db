"""Do Kafka and the log tell the same story?  Asked before anything is written.

Postgres can be restored to an earlier point, and Kafka can lose its data, while the other goes on.
A worker that ran on such a pair would write a second history over the first, so each process asks
first, and refuses to run.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from danbao.contracts.catalogue import SERVICES
from danbao.kernel.errors import (
    HistoryForkedError,
    KafkaLostError,
    LogOlderError,
    RetryableError,
    UnavailableError,
)
from danbao.kernel.kafka.tail import last_events
from danbao.kernel.messages import Record, TopicPartition
from danbao.kernel.postgres.connection import role_of
from danbao.kernel.postgres.store import PostgresStore
from danbao.kernel.records import event_headers
from danbao.kernel.topics import check_topics, events_topic

PATIENCE = 20
RETRY_S = 0.5
"""A broker that was killed shows less than it has while it recovers: so often it is asked again."""

log = structlog.get_logger()


@dataclass(slots=True)
class HistoryCheck:
    """Compares the ends of the events topics with the log; asked before a process works."""

    dsn: str
    bootstrap: str
    partitions: int
    process: str = ""
    """Who asks, with its role."""
    _patience: int = PATIENCE

    async def __call__(self) -> None:
        """Return when both agree.

        Raises:
            UnavailableError: a server does not answer, or Kafka is not yet all there.
            LogOlderError: Kafka holds events that the log has not.
            HistoryForkedError: the same position is another event in Kafka and in the log.
            KafkaLostError: an events topic holds less than was published.
            TopicsGoneError: topics that were made are not there.
            PartitionsChangedError: a topic has not the partitions it was made with.
        """
        role = role_of(self.process)
        store = PostgresStore(self.dsn, purpose="history", may_hold_head=False, role=role)
        try:
            await _compare(store, self.bootstrap, self.partitions)
        except KafkaLostError as error:
            self._patience -= 1
            if not self._patience:
                raise
            raise UnavailableError(str(error)) from error
        finally:
            await store.close()


async def check_history(dsn: str, bootstrap: str, partitions: int) -> None:
    """Ask until both servers answer; see `HistoryCheck`."""
    check = HistoryCheck(dsn, bootstrap, partitions)
    while True:
        try:
            return await check()
        except RetryableError as error:
            log.warning("history.waiting", error=str(error)[:200])
            await asyncio.sleep(RETRY_S)


async def _compare(store: PostgresStore, bootstrap: str, partitions: int) -> None:
    places = [
        TopicPartition(events_topic(service), number)
        for service in SERVICES
        for number in range(partitions)
    ]
    published = await store.last_published(SERVICES)
    try:
        await check_topics(bootstrap, await store.recorded_topics())
        last = await last_events(bootstrap, places)
    except (OSError, RuntimeError) as error:  # aiokafka's errors are RuntimeErrors
        raise UnavailableError(f"Kafka does not answer: {error!r}") from error
    held = {place: position_of(record) for place, record in last.items()}
    head = await store.head()
    if (end := max(held.values(), default=0)) > head:
        raise LogOlderError(f"the events topics end at position {end}, but the log ends at {head}")
    await _compare_ends(store, last.values())
    for service, position in published.items():
        topic = events_topic(service)
        end = max((at for place, at in held.items() if place.topic == topic), default=0)
        if end < position:
            raise KafkaLostError(f"topic {topic} ends at position {end}, not {position}")


async def _compare_ends(store: PostgresStore, records: Iterable[Record]) -> None:
    """The last event of each partition is the one that the log has at its position."""
    for record in records:
        position = position_of(record)
        (row,) = await store.read_log(position - 1, 1)
        headers = dict(record.headers)
        wanted = dict(event_headers(row, int(headers["ce_prevsequence"])))
        if record.value != row.data.encode() or headers != wanted:
            place = record.place
            raise HistoryForkedError(
                f"position {position} is another event in {place.topic}/{place.partition} than "
                f"in the log"
            )


def position_of(record: Record) -> int:
    """Position of an event's record; 0 when it says none."""
    text = dict(record.headers).get("ce_sequence", b"")
    return int(text) if text.isdigit() else 0
