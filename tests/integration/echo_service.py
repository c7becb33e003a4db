"""A tiny stand-in for the engine: answers every command with fixed events, in the contract's form.

It answers what comes from its start on, and forgets everything at its end.  It keeps the promises
that a publisher relies on and no others: an answer per (id, body), events with all headers in Kafka
transactions, sequences that only rise.  It decides nothing.
"""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, Self
from uuid import NAMESPACE_OID, uuid5

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.admin import NewTopic

from danbao.kernel.kafka.clients import make_admin, make_consumer, make_producer

SERVICES = ("accounts", "authorization", "escrow", "settlement", "risk", "channel")
PARTITIONS = 8

Answers = Mapping[str, Sequence[str]]
"""Events that a command of a type causes; the first is its answer, the others follow from it."""


async def create_topics(bootstrap: str) -> None:
    """Make all topics, as the engine does at its first start."""
    admin = make_admin(bootstrap, client_id="echo")
    await admin.start()
    names = [f"danbao.{service}.{kind}" for service in SERVICES for kind in ("commands", "events")]
    await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names])
    await admin.close()


class EchoService:
    """Reads all commands topics and answers until it is left."""

    def __init__(self, bootstrap: str, answers: Answers) -> None:
        self._consumer = make_consumer(bootstrap, client_id="echo", fetch_max_wait_ms=20)
        self._producer = make_producer(
            bootstrap, client_id="echo", transactional_id="echo", max_batch_size=262_144
        )
        self._answers = answers
        self._bodies: dict[str, set[tuple[object, ...]]] = {}
        self._position = count(time.time_ns())  # above all that an earlier echo gave
        self._task: asyncio.Task[None] | None = None
        self._received: list[ConsumerRecord] = []
        self._arrival = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        await self._producer.start()
        partitions = [
            TopicPartition(f"danbao.{service}.commands", n)
            for service in SERVICES
            for n in range(PARTITIONS)
        ]
        self._consumer.assign(partitions)
        for partition, end in (await self._consumer.end_offsets(partitions)).items():
            self._consumer.seek(partition, end)
        self._task = asyncio.create_task(self._work())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._producer.stop()
        await self._consumer.stop()

    async def received(self, count: int) -> list[ConsumerRecord]:
        """Wait until so many commands came; duplicates come without anybody waiting for them."""
        while len(self._received) < count:
            self._arrival.clear()
            await self._arrival.wait()
        return list(self._received)

    async def _work(self) -> None:
        while True:
            fetched = await self._consumer.getmany(timeout_ms=1_000)
            events = [
                event
                for partition, records in fetched.items()
                for record in records
                for event in self._answer(partition.partition, record)
            ]
            if events:
                await self._publish(events)

    async def _publish(self, events: list[tuple[str, int, dict[str, Any]]]) -> None:
        batches: dict[tuple[str, int], Any] = {}
        async with self._producer.transaction():
            for topic, partition, record in events:
                place = (topic, partition)
                if place not in batches:
                    batches[place] = self._producer.create_batch()
                if batches[place].append(timestamp=None, **record) is None:
                    await self._producer.send_batch(batches[place], topic, partition=partition)
                    batches[place] = self._producer.create_batch()
                    batches[place].append(timestamp=None, **record)
            for (topic, partition), batch in batches.items():
                await self._producer.send_batch(batch, topic, partition=partition)

    def _answer(
        self, partition: int, record: ConsumerRecord
    ) -> list[tuple[str, int, dict[str, Any]]]:
        self._received.append(record)
        self._arrival.set()
        headers = {name: value.decode() for name, value in record.headers}
        command = headers["ce_id"]
        body = (
            headers["ce_type"],
            record.key,
            headers.get("ce_actor"),
            json.dumps(json.loads(record.value), sort_keys=True),
        )
        known = self._bodies.setdefault(command, set())
        if body in known:
            return []
        is_first = not known
        known.add(body)
        if not is_first:
            service = headers["ce_type"].split(".")[0]
            refusal = json.dumps({"command_id": command, "code": "command_id_reused"}).encode()
            name = f"{service}.command_rejected.v1"
            return [self._event(partition, record, headers, command, name, refusal)]
        cause, events = command, []
        for name in self._answers.get(headers["ce_type"], [headers["ce_type"] + ".echoed"]):
            events.append(self._event(partition, record, headers, cause, name, record.value))
            cause = str(uuid5(NAMESPACE_OID, cause))
        return events

    def _event(  # the arguments are the parts of an event
        self,
        partition: int,
        record: ConsumerRecord,
        headers: dict[str, str],
        cause: str,
        name: str,
        value: bytes,
    ) -> tuple[str, int, dict[str, Any]]:
        position = next(self._position)
        fields = {
            "ce_specversion": "1.0",
            "ce_id": str(uuid5(NAMESPACE_OID, f"{cause}/{name}")),
            "ce_type": name,
            "ce_source": "danbao",
            "ce_time": headers["ce_time"],
            "ce_subject": f"stream/{headers['ce_partitionkey']}",
            "ce_partitionkey": headers["ce_partitionkey"],
            "ce_shard": "0",
            "ce_sequence": str(position),
            "ce_prevsequence": str(position - 1),
            "ce_causationid": cause,
            "ce_correlationid": headers["ce_id"],
            "ce_streamversion": "1",
            "ce_schemaversion": "1",
            "ce_dataschema": f"danbao:{name}",
            "content-type": "application/json",
        }
        encoded = [(key, text.encode()) for key, text in fields.items()]
        topic = f"danbao.{name.split('.', maxsplit=1)[0]}.events"
        return topic, partition, {"key": record.key, "value": value, "headers": encoded}
