"""Records as any producer may send them, right or wrong, and the answers that any reader sees."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self
from uuid import NAMESPACE_OID, uuid5

from aiokafka import AIOKafkaConsumer, TopicPartition
from tests.integration.running_engine import RunningEngine

from danbao.contracts.catalogue import SERVICES, service_of
from danbao.kernel.kafka.clients import make_consumer, make_producer
from danbao.kernel.topics import commands_topic, events_topic

REQUEST_BYTES_MAX = 1_150_000
ANSWER_WITHIN_S = 20
SENT_AT_ONCE = 500


def id_of(name: str) -> str:
    """A command id that is the same on every run."""
    return str(uuid5(NAMESPACE_OID, f"danbao test {name}"))


@dataclass(frozen=True, slots=True)
class Raw:
    """One record of a commands topic, byte for byte."""

    service: str
    value: bytes | None
    key: bytes | None
    headers: dict[str, bytes]

    @property
    def command_id(self) -> str:
        """The id under which an answer comes, if one does."""
        return self.headers["ce_id"].decode()

    def changed(self, **headers: bytes | None) -> "Raw":
        """The same with other headers; None takes one away."""
        mixed: dict[str, bytes | None] = self.headers | headers
        return replace(
            self, headers={name: value for name, value in mixed.items() if value is not None}
        )


def command(name: str, command_type: str, key: str, actor: str | None = None, **data: Any) -> Raw:  # noqa: ANN401
    """A command in binary mode, its id made from `name`."""
    raw = Raw(
        service=service_of(command_type),
        value=json.dumps(data, ensure_ascii=False).encode(),
        key=key.encode(),
        headers={
            "ce_specversion": b"1.0",
            "ce_id": id_of(name).encode(),
            "ce_type": command_type.encode(),
            "ce_source": b"test",
            "ce_time": b"2026-03-02T01:00:00Z",
            "ce_partitionkey": key.encode(),
            "content-type": b"application/json",
        },
    )
    return raw if actor is None else raw.changed(ce_actor=actor.encode())


def money(minor: int, currency: str = "CNY") -> dict[str, object]:
    """An amount as JSON has it."""
    return {"minor": minor, "currency": currency}


@dataclass(frozen=True, slots=True)
class Answer:
    """One event, and when we saw it."""

    type: str
    partition_key: str
    data: Any
    seen_at: float

    @property
    def code(self) -> str:
        """Why it is a no; an empty text when it is a yes."""
        return self.data["code"] if ".command_rejected." in self.type else ""


@dataclass(slots=True)
class Wire:
    """A producer that chooses partitions itself, and a reader of all events from now on."""

    engine: RunningEngine
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    """Events by the id that caused them."""
    _producer: Any = None
    _consumer: AIOKafkaConsumer | None = None
    _reading: "asyncio.Task[None] | None" = None
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        """Connect, and stand at the end of every events topic."""
        bootstrap, partitions = self.engine.kafka_bootstrap, self.engine.record.partitions
        self._producer = make_producer(
            bootstrap, client_id="test-raw", max_request_size=REQUEST_BYTES_MAX
        )
        await self._producer.start()
        self._consumer = make_consumer(bootstrap, client_id="test-answers", fetch_max_wait_ms=100)
        await self._consumer.start()
        places = [
            TopicPartition(events_topic(service), number)
            for service in SERVICES
            for number in range(partitions)
        ]
        self._consumer.assign(places)
        for place, end in (await self._consumer.end_offsets(places)).items():
            self._consumer.seek(place, end)
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Disconnect."""
        assert self._reading is not None
        assert self._consumer is not None
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        await self._consumer.stop()
        await self._producer.stop()

    async def send(self, raw: Raw, partition: int) -> int:
        """Send one record to a partition, whatever its key says; gives its offset."""
        sent = await self._producer.send_and_wait(
            commands_topic(raw.service),
            raw.value,
            key=raw.key,
            partition=partition,
            headers=[(name, value) for name, value in raw.headers.items()],
        )
        return sent.offset

    async def send_all(self, raws: Sequence[tuple[Raw, int]]) -> list[int]:
        """Send many at the same moment, as many at once as the client can have under way."""
        offsets: list[int] = []
        for start in range(0, len(raws), SENT_AT_ONCE):
            part = raws[start : start + SENT_AT_ONCE]
            offsets += await asyncio.gather(*(self.send(raw, place) for raw, place in part))
        return offsets

    async def answer(self, command_id: str, within_s: float = ANSWER_WITHIN_S) -> Answer:
        """The first answer to a command."""
        async with asyncio.timeout(within_s):
            while command_id not in self.answers:
                self._more.clear()
                await self._more.wait()
        return self.answers[command_id][0]

    async def codes(self, raws: Sequence[Raw]) -> list[str]:
        """What each command was answered first: a code, or an empty text for a yes."""
        return [(await self.answer(raw.command_id)).code for raw in raws]

    async def _read(self) -> None:
        assert self._consumer is not None
        async for record in self._consumer:
            headers = {name: value.decode() for name, value in record.headers}
            answer = Answer(
                type=headers["ce_type"],
                partition_key=headers["ce_partitionkey"],
                data=json.loads(record.value),
                seen_at=time.monotonic(),
            )
            self.answers.setdefault(headers["ce_causationid"], []).append(answer)
            self._more.set()
