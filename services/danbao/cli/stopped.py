"""The Postgres of an engine that runs, or that is stopped or refuses to: then started for this."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from danbao.cli.connect import known_addresses
from danbao.cli.exits import UNAVAILABLE, fail
from danbao.kernel.settings import Settings
from danbao.recovery.quiet import stopped_engine
from danbao.servers import LocalServers

NO_KAFKA = "not:needed"


def say(text: str) -> None:
    """Tell a person what goes on; programs read standard output only."""
    sys.stderr.write(f"{text}\n")


@asynccontextmanager
async def postgres_here(chosen: Settings) -> AsyncIterator[str]:
    """The Postgres of the running engine, else a given one, else the home's own, started.

    Raises:
        typer.Exit: this home has no data yet.
        ServerError: the server does not start.
    """
    if dsn := known_addresses(chosen).postgres_dsn:
        yield dsn
        return
    if not LocalServers(chosen.home, say).postgres.is_made:
        fail("no engine has run here", UNAVAILABLE, "Start it with `danbao up`.")
    async with stopped_engine(without_kafka(chosen), say) as found:
        yield found.postgres_dsn


def without_kafka(chosen: Settings) -> Settings:
    """Settings under which no Kafka is started."""
    return replace(chosen, kafka_bootstrap=chosen.kafka_bootstrap or NO_KAFKA)
