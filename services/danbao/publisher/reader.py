"""Reads all `danbao.*.events` topics from their beginning, without a group, cheaply.

Only the partition key and three headers are looked at; values stay bytes.  A record whose
`ce_sequence` is not above the last one of its partition is a double and dropped (contract).
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from operator import itemgetter
from time import perf_counter
from typing import Any

from aiokafka import TopicPartition

from danbao.kernel.kafka.bare import BareRecords
from danbao.kernel.kafka.clients import make_consumer
from danbao.kernel.kafka.gate import FetchGate

EVENTS_TOPIC = re.compile(r"danbao\.[a-z]+\.events")
FETCH_WAIT_MS = 50
CATCH_UP_S = 0.05
"""How long one wait lasts while what Kafka has is read."""
_usual_places = itemgetter(3, 11, 14)
"""Type, sequence and causation id, where our relay writes them; others may do so in any order."""

Observer = Callable[[str, str, str, bytes | None], None]
"""Takes key, event type, causation id and value."""


class EventReader:
    """All events since the start of the topics, then the new ones as they come."""

    def __init__(
        self,
        bootstrap: str,
        *,
        client_id: str,
        knows: Callable[[str], bool],
        services: Collection[str] = (),
    ) -> None:
        """Records whose key is not known are passed over unread.

        With `services`, only their topics are read, and only what comes from now on.
        """
        self._services = services
        self._consumer: Any = make_consumer(
            bootstrap,
            client_id=client_id,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            check_crcs=False,
        )
        self._gate = FetchGate(self._consumer)
        self._knows = knows
        self._names: dict[bytes, str] = {}
        self._sequences: dict[Any, int] = {}
        self._partitions: list[Any] = []
        self._bare: BareRecords | None = None
        self.arrived_at = 0.0
        """When the records of the last poll had come from Kafka (perf_counter)."""

    async def start(self, topics: Mapping[str, int]) -> None:
        """Connect, and take one's stand in every events topic (name: partitions)."""
        await self._consumer.start()
        self._bare = BareRecords(self._consumer)
        self._partitions = [
            TopicPartition(topic, partition)
            for topic, count in sorted(topics.items())
            if EVENTS_TOPIC.fullmatch(topic)
            and (not self._services or topic.split(".")[1] in self._services)
            for partition in range(count)
        ]
        if not self._partitions:
            return
        self._consumer.assign(self._partitions)
        find = self._consumer.end_offsets if self._services else self._consumer.beginning_offsets
        offsets = await find(self._partitions)
        for partition in self._partitions:
            self._consumer.seek(partition, offsets[partition])

    async def stop(self) -> None:
        """Disconnect."""
        await self._consumer.stop()

    async def catch_up(self, observer: Observer, *, idle_s_max: float) -> None:
        """Read what stands in the topics at this moment.

        Raises:
            TimeoutError: Kafka gave nothing for `idle_s_max`.
        """
        ends = await self._consumer.end_offsets(self._partitions) if self._partitions else {}
        before: dict[Any, int] = {}
        moved_at = perf_counter()
        while True:
            positions = {p: await self._consumer.position(p) for p in self._partitions}
            if all(positions[p] >= ends[p] for p in self._partitions):
                return
            if positions != before:  # over fences too, which are no records
                before, moved_at = positions, perf_counter()
            elif perf_counter() - moved_at > idle_s_max:
                message = f"no event for {idle_s_max:g} s while reading what Kafka has"
                raise TimeoutError(message)
            await self.poll(observer, wait_s=min(CATCH_UP_S, idle_s_max))

    async def poll(self, observer: Observer, wait_s: float) -> int:
        """Hand over what has come, waiting so long for a first record; returns how many records."""
        self._gate.open()
        fetched = await self._consumer.getmany(timeout_ms=int(wait_s * 1000))
        self._gate.close()
        assert self._bare is not None
        self.arrived_at = self._bare.arrived_at
        names, sequences, knows = self._names, self._sequences, self._knows
        count = 0
        for partition, records in fetched.items():
            last = sequences.get(partition, 0)
            for record in records:
                count += 1
                key = record.key.decode() if record.key else ""
                if not knows(key):
                    continue
                raw, position, cause = sought(record.headers)
                sequence = int(position)
                if sequence <= last:
                    continue
                last = sequence
                name = names.get(raw) or names.setdefault(raw, raw.decode())
                observer(key, name, cause.decode(), record.value)
            sequences[partition] = last
        return count


def sought(headers: Sequence[tuple[str, bytes]]) -> tuple[bytes, bytes, bytes]:
    """Give the values of the headers that are sought; most often they are where they always are.

    Raises:
        KeyError: a header is missing.
    """
    try:
        (first, kind), (second, sequence), (third, cause) = _usual_places(headers)
    except IndexError:  # fewer than our relay writes
        pass
    else:
        if first == "ce_type" and second == "ce_sequence" and third == "ce_causationid":
            return kind, sequence, cause
    by_name = dict(headers)
    return by_name["ce_type"], by_name["ce_sequence"], by_name["ce_causationid"]
