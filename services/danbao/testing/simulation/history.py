"""What clients sent in a simulation: the one witness of what must have been answered."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import msgspec

from danbao.kernel.messages import TopicPartition


@dataclass(frozen=True, slots=True)
class Sent:
    """A command that lies in a topic."""

    id: str
    type: str
    partition_key: str
    actor: str | None
    data: dict[str, Any]

    @property
    def body(self) -> dict[str, Any]:
        """What makes a command the same as another."""
        return {
            "type": self.type,
            "partitionkey": self.partition_key,
            "actor": self.actor,
            "data": self.data,
        }

    @property
    def body_key(self) -> bytes:
        """The same for the same body."""
        return msgspec.json.encode(self.body, order="sorted")


@dataclass(slots=True)
class History:
    """All that was sent."""

    bodies: dict[str, dict[bytes, Sent]] = field(default_factory=lambda: defaultdict(dict))
    """By command id, each body once."""
    unreadable: set[tuple[TopicPartition, int]] = field(default_factory=set)
    """Where the records lie that nobody can read."""
    commands: int = 0
    records: int = 0

    def add(self, sent: Sent) -> None:
        """Remember a command."""
        self.records += 1
        self.bodies[sent.id].setdefault(sent.body_key, sent)
