"""Sends commands as CloudEvents in binary mode, in whole batches, to `danbao.<service>.commands`.

The partition is computed once a flow: the client's murmur2 is written in Python.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from aiokafka.partitioner import murmur2

from danbao.publisher.batches import BatchSender, Header, OutRecord, PublishError
from danbao.publisher.commandfile import CommandFileError, Line
from danbao.publisher.flows import Flow

COMMANDS_TOPIC = re.compile(r"danbao\.[a-z]+\.commands")

_FIXED: tuple[Header, ...] = (
    ("ce_specversion", b"1.0"),
    ("content-type", b"application/json"),
)


class Outbox:
    """The way out: hand it the lines that are ready."""

    def __init__(self, bootstrap: str, *, client_id: str) -> None:
        """Connect in `start`."""
        self._sender = BatchSender(bootstrap, client_id=client_id)
        self._partitions = 0
        self._kinds: dict[str, tuple[str, Header]] = {}

    async def start(self, services: Mapping[str, Line]) -> dict[str, int]:
        """Connect and look the topics up; returns all topics with their numbers of partitions.

        Raises:
            CommandFileError: a command is for a service that does not exist.
            PublishError: Kafka has no topics of danbao at all.
        """
        topics = await self._sender.start()
        known = sorted(name.split(".")[1] for name in topics if COMMANDS_TOPIC.fullmatch(name))
        if not known:
            message = "Kafka has no topics of danbao: was the engine ever started there?"
            raise PublishError(message)
        for service, line in services.items():
            topic = f"danbao.{service}.commands"
            if topic not in topics:
                why = f"`type` {line.type!r}: no service {service!r}; there are {', '.join(known)}"
                raise CommandFileError(line.file, line.number, why)
            self._partitions = topics[topic]
        return topics

    async def stop(self) -> None:
        """Wait for what is on its way and disconnect."""
        await self._sender.stop()

    async def confirmed(self) -> None:
        """Return when Kafka has acknowledged everything that was sent.

        Raises:
            PublishError: it refused something.
        """
        await self._sender.confirmed()

    async def send(self, ready: list[tuple[Flow, Line]]) -> None:
        """Send lines in the order given; returns when Kafka's client has taken them.

        Raises:
            PublishError: Kafka refused a batch, of this call or of an earlier one.
        """
        now = datetime.now(UTC)  # noqa: TID251  the sender's own time: nothing is decided by it
        stamp = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        time = ("ce_time", stamp.encode())
        batches: dict[tuple[str, int], list[OutRecord]] = {}
        for flow, line in ready:
            if flow.partition is None:
                flow.partition = self.partition_of(flow.key)
            topic, kind = self._kinds.get(line.type) or self._kind(line.type)
            key = line.partitionkey.encode()
            headers = [
                *_FIXED,
                time,
                ("ce_id", line.id.encode()),
                kind,
                ("ce_source", line.source.encode()),
                ("ce_partitionkey", key),
            ]
            if line.actor is not None:
                headers.append(("ce_actor", line.actor.encode()))
            place = (topic, flow.partition)
            records = batches.get(place)
            if records is None:
                records = batches[place] = []
            records.append((key, line.data, headers))
            answers = flow.answers[line.id]
            if not answers.due_at:
                answers.due_at = flow.due_at
        for (topic, partition), records in batches.items():
            await self._sender.send(topic, partition, records, int(now.timestamp() * 1000))
        self._sender.check()

    def check(self) -> None:
        """Raise PublishError if Kafka refused anything so far."""
        self._sender.check()

    def _kind(self, command_type: str) -> tuple[str, Header]:
        """Put topic and header of a type together, once and not for every command."""
        topic = f"danbao.{command_type.split('.', 1)[0]}.commands"
        return self._kinds.setdefault(command_type, (topic, ("ce_type", command_type.encode())))

    def partition_of(self, key: str) -> int:
        """The partition of a key: Kafka's default, as every other producer has it."""
        return int((murmur2(key.encode()) & 0x7FFFFFFF) % self._partitions)
