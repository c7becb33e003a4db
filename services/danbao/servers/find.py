"""The entrance: find the servers for these settings, in the order of `make_plan`."""

import os
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from danbao.kernel.settings import Settings
from danbao.servers import docker
from danbao.servers.addresses import Addresses, Origin, make_plan
from danbao.servers.local import LocalServers, RunningServer

MODE = "DANBAO_SERVERS"


class Servers(Protocol):
    """Kafka and Postgres, whoever runs them."""

    @property
    def addresses(self) -> Addresses:
        """Where they are, after `start`."""

    @property
    def processes(self) -> list[RunningServer]:
        """The processes that we started ourselves."""

    async def start(self) -> None:
        """Start what is ours to start and does not run."""

    async def stop(self) -> None:
        """Stop what we started."""

    async def __aenter__(self) -> Self:
        """Start."""

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""


def find_servers(
    settings: Settings, report: Callable[[str], None], *, mode: str | None = None
) -> Servers:
    """Return the servers to use, not started yet; asks a Docker engine for at most a second.

    `mode` is `DANBAO_SERVERS` when not given; `native` leaves Docker out.
    """
    given = Addresses(settings.postgres_dsn, settings.kafka_bootstrap)
    chosen = os.environ.get(MODE, "") if mode is None else mode
    plan = make_plan(given, chosen, lambda: docker.is_usable(os.environ))
    if Origin.DOCKER in (plan.postgres, plan.kafka):
        return docker.DockerServers(given, report)
    return LocalServers(settings.home, report, given=given)
