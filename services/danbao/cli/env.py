"""`danbao env`: where the running engine is, for any other program."""

import json
import shlex
from typing import Annotated

import typer

from danbao.cli.exits import engine_here, settings


def env(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not exports.")] = False,
) -> None:
    """Print the addresses of the running engine as shell exports.

    Example: eval "$(danbao env)"
    """
    chosen = settings()
    record = engine_here(chosen)
    values = {
        "DANBAO_POSTGRES_DSN": record.postgres_dsn,
        "DANBAO_KAFKA_BOOTSTRAP": record.kafka_bootstrap,
        "DANBAO_HOME": str(chosen.home.absolute()),
    }
    if as_json:
        typer.echo(json.dumps(values | {"pid": record.pid, "processes": record.processes}))
        return
    for name, value in values.items():
        typer.echo(f"export {name}={shlex.quote(value)}")
