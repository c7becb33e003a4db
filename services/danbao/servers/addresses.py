"""Where Kafka and Postgres are, and the order in which danbao looks for them (pure)."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Addresses:
    """What a client needs to connect; an empty text means not known."""

    postgres_dsn: str
    kafka_bootstrap: str


class Origin(StrEnum):
    """Who runs a server."""

    GIVEN = "given"
    DOCKER = "docker"
    NATIVE = "native"
