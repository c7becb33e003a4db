"""`danbao replay --into SCHEMA`: read models as of a position or time, in a schema of their own."""

import re

import typer

from danbao.analysis.moments import place_at
from danbao.cli.connect import postgres_address, run
from danbao.cli.exits import WRONG_USE, fail, settings
from danbao.cli.format import count_text, time_text
from danbao.cli.moments import moment
from danbao.cli.progress import progress_bar
from danbao.kernel.builds import newest
from danbao.kernel.postgres.connection import PATIENT, connect
from danbao.projections.rebuild import choose
from danbao.projections.scratch import Scratch
from danbao.readmodels.models import READ_MODELS

SCHEMA_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


def replay_into(schema: str, names: list[str] | None, until: str | None) -> None:
    """Build read models; the login needs the right to make a schema."""
    if SCHEMA_NAME.fullmatch(schema) is None:
        fail(f"{schema!r} is no name of a schema", WRONG_USE, "Use a-z, 0-9 and _.")
    moment(until, "--until")
    run(_replay_into(postgres_address(), schema, names or list(newest(READ_MODELS)), until))


async def _replay_into(dsn: str, schema: str, names: list[str], until: str | None) -> None:
    models = choose(dict.fromkeys(names))
    connection = await connect(dsn, purpose="replay", role=None, session=PATIENT)
    try:
        place = await place_at(connection, moment(until, "--until"))
        scratch = Scratch(connection, schema, settings().projector_slice_max)
        start = await scratch.prepare(models, place.position)
        words = f"{count_text(len(models), 'read model')} up to position {place.position:,}"
        typer.echo(words + (f", going on from {start:,}" if start else ""), err=True)
        with progress_bar("events", place.position) as report:
            await scratch.build(models, place.position, report)
    finally:
        await connection.close(timeout=2)
    typer.echo(
        f"schema {schema} has read models as of position {place.position:,}, "
        f"{time_text(place.recorded_at)} UTC",
        err=True,
    )
