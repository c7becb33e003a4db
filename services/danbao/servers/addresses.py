"""Where Kafka and Postgres are, and the order in which danbao looks for them (pure)."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

NATIVE_ONLY = "native"


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


@dataclass(frozen=True, slots=True)
class Plan:
    """Who runs each server."""

    postgres: Origin
    kafka: Origin


def make_plan(given: Addresses, mode: str, docker_answers: Callable[[], bool]) -> Plan:
    """Decide in this order: the given address, a Docker engine that answers, native.

    `mode="native"` leaves Docker out. The engine is asked only when its answer matters.
    """
    is_complete = bool(given.postgres_dsn and given.kafka_bootstrap)
    uses_docker = not is_complete and mode != NATIVE_ONLY and docker_answers()
    started = Origin.DOCKER if uses_docker else Origin.NATIVE
    return Plan(
        Origin.GIVEN if given.postgres_dsn else started,
        Origin.GIVEN if given.kafka_bootstrap else started,
    )
