"""`danbao run`: one process of the engine, in the foreground."""

from dataclasses import replace
from typing import Annotated

import typer

from danbao.app import PROCESSES, run_process
from danbao.cli.exits import WRONG_USE, engine_here, fail, settings


def run(
    process: Annotated[
        str,
        typer.Argument(help="A service, or relay, projector, scheduler, bookkeeper, checkpointer."),
    ],
    worker: Annotated[
        str, typer.Option(help="Tells it from others of its name; else DANBAO_WORKER_ID.")
    ] = "",
) -> None:
    """Run one process against the servers of the environment, or of this home's engine.

    Exit code 3 means: going on would be wrong, an operator must look; 4: it was stuck, start it
    anew. SIGTERM stops it within five seconds.

    Example: danbao run escrow --worker 2
    """
    if process not in PROCESSES:
        fail(f"no process {process!r}", WRONG_USE, f"There are: {', '.join(PROCESSES)}.")
    chosen = settings()
    if worker:
        chosen = replace(chosen, worker_id=worker)
    if not (chosen.postgres_dsn and chosen.kafka_bootstrap):
        record = engine_here(chosen)
        chosen = replace(
            chosen,
            postgres_dsn=chosen.postgres_dsn or record.postgres_dsn,
            kafka_bootstrap=chosen.kafka_bootstrap or record.kafka_bootstrap,
        )
    raise typer.Exit(run_process(process, chosen))
