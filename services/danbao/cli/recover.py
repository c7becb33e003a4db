"""`danbao recover`: repair what is left when Kafka or Postgres lost data."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import structlog
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from danbao.cli.exits import REFUSED, fail, running, settings
from danbao.cli.format import json_text
from danbao.cli.recover_report import damage_report, show_damage, show_tail, tail_report
from danbao.cli.stopped import say
from danbao.kernel.settings import Settings
from danbao.recovery.kafka_lost import Tell, find_damage, refuse_what_the_log_lacks, repair
from danbao.recovery.postgres_older import bring_back, find_tail
from danbao.recovery.quiet import Q, owner, stopped_engine

app = typer.Typer(no_args_is_help=True, help="Repair what is left when a server lost data.")

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs; needs --yes to act.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]


@app.command("kafka-lost")
def kafka_lost(
    *,
    yes: Yes = False,
    log_wins: Annotated[
        bool,
        typer.Option("--log-wins", help="Throw away events that only Kafka has."),
    ] = False,
    json: Json = False,
) -> None:
    """Make Kafka's topics anew from the log, wholly or those that are damaged.

    The engine must be stopped. Says first what was found and what will be done. Commands that Kafka
    took and no service read are lost; the report says whom to ask to send again.

    Example: danbao recover kafka-lost

    Example: danbao recover kafka-lost --yes --json
    """
    log_to_stderr()
    running(lambda: _kafka_lost(settings(), yes=yes, log_wins=log_wins, json=json))


@app.command("postgres-older")
def postgres_older(
    *,
    yes: Yes = False,
    until: Annotated[
        int | None, typer.Option(min=1, help="Bring back positions up to this one only.")
    ] = None,
    json: Json = False,
) -> None:
    """Bring back what the log lost, from the events topics, after Postgres was restored.

    The engine must be stopped. Compares everything that topics and log both have; where they
    differ it changes nothing and says from which position on.

    Example: danbao recover postgres-older

    Example: danbao recover postgres-older --yes --json
    """
    log_to_stderr()
    running(lambda: _postgres_older(settings(), yes=yes, until=until, json=json))


async def _postgres_older(chosen: Settings, *, yes: bool, until: int | None, json: bool) -> int:
    async with stopped_engine(chosen, say) as found:
        connection = await owner(found.postgres_dsn, "recovery")
        try:
            with progress(json=json) as tell:
                tail = await find_tail(connection, found, tell, until)
            report = tail_report(tail)
            if not json:
                show_tail(report)
            if not tail.rows:
                typer.echo(json_text(report | {"done": False}) if json else "nothing to bring back")
                return 0
            agree(yes=yes, json=json, preview=report)
            with progress(json=json) as tell:
                await bring_back(connection, tail, tell)
            typer.echo(json_text(report | {"done": True}) if json else "done: start the engine")
        finally:
            await connection.close()
    return 0


async def _kafka_lost(chosen: Settings, *, yes: bool, log_wins: bool, json: bool) -> int:
    async with stopped_engine(chosen, say) as found:
        connection = await owner(found.postgres_dsn, "recovery")
        try:
            with progress(json=json) as tell:
                damage = await find_damage(connection, found, tell)
            if not log_wins:
                refuse_what_the_log_lacks(damage)
            elif damage.disagrees:
                damage.throw_away()
            report = damage_report(damage, await connection.fetch(Q["last_answers"]))
            if not json:
                show_damage(report)
            if not damage.is_any:
                typer.echo(json_text(report | {"done": False}) if json else "nothing to repair")
                return 0
            agree(yes=yes, json=json, preview=report)
            with progress(json=json) as tell:
                await repair(connection, found, damage, tell)
            typer.echo(json_text(report | {"done": True}) if json else "done: start the engine")
        finally:
            await connection.close()
    return 0


def log_to_stderr() -> None:
    """Let parts of the engine that work here warn, and nothing more, where nobody parses."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def agree(*, yes: bool, json: bool, preview: dict[str, Any]) -> None:
    """Ask before anything is changed, unless told not to."""
    if yes:
        return
    if json:
        typer.echo(json_text(preview | {"done": False}))
        raise typer.Exit
    if not sys.stdin.isatty():
        fail("nothing was changed: nobody is there to ask", REFUSED, "Add --yes.")
    if not typer.confirm("Do it?"):
        fail("nothing was changed", REFUSED)


@contextmanager
def progress(*, json: bool) -> Iterator[Tell]:
    """A bar for each thing that takes long."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, transient=True, disable=json or not sys.stderr.isatty()) as bars:
        tasks: dict[str, Any] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total or None)
            bars.update(tasks[what], completed=done, total=total or None)

        yield tell
