"""`danbao replay`: read history again, into lines, a topic or Parquet files."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import asyncpg
import typer

from danbao.analysis.line_file import LineFileError
from danbao.analysis.log_pages import count_events
from danbao.analysis.moments import Span, span_of
from danbao.analysis.replay import replay_to_file, replay_to_lines, replay_to_topic
from danbao.analysis.wanted import Wanted
from danbao.cli.connect import kafka_address, postgres_address, reader, run
from danbao.cli.exits import REFUSED, WRONG_USE, fail
from danbao.cli.extras import analysis_extra
from danbao.cli.log import Flow, Stream, Type
from danbao.cli.moments import Since, moment
from danbao.cli.progress import progress_bar
from danbao.cli.replay_models import replay_into
from danbao.kernel.kafka.sink import KafkaEventSink
from danbao.kernel.topics import ensure_topic

OURS = "danbao."
"""Topics that begin so are the engine's own."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the events go; nothing named means: lines on standard output."""

    file: Path | None
    resume: bool
    topic: str | None
    partitions: int
    parquet: Path | None


def replay(
    flow: Flow = None,
    stream: Stream = None,
    type_: Type = None,
    since: Since = None,
    until: Annotated[
        str | None,
        typer.Option("--to", "--until", help="Last position, date or time (UTC), included."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write lines into this file instead of standard output.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the file of --out, whoever was killed.")
    ] = False,
    to_topic: Annotated[
        str | None, typer.Option(help="Publish to this topic of Kafka; never one of danbao.*.")
    ] = None,
    partitions: Annotated[
        int, typer.Option(min=1, help="Partitions of the topic, if it has to be made.")
    ] = 8,
    parquet: Annotated[
        Path | None, typer.Option(help="Write Parquet files, partitioned by day, into this folder.")
    ] = None,
    into: Annotated[
        str | None, typer.Option(help="Build read models as of --to in this schema of Postgres.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="Only this read model, with --into; more than once.")
    ] = None,
) -> None:
    """Stream the log, or some of it, in the order of its positions; --to is where it stops.

    Without a target each event is a CloudEvent in JSON on a line of standard output.  The same
    command again goes on behind what a topic, a Parquet folder or a schema has; a file wants
    --resume.

    Example: danbao replay --type 'escrow.*' --from 2026-11-24 --to 2026-11-24 --out day.jsonl

    Example: danbao replay --to-topic analytics.events

    Example: danbao replay --until 2026-11-24 --into as_of_tuesday
    """
    if sum(target is not None for target in (out, to_topic, parquet, into)) > 1:
        fail("--out, --to-topic, --parquet and --into exclude each other", WRONG_USE)
    if into is not None:
        if any(each is not None for each in (flow, stream, type_, since)):
            fail("--into takes the whole log: no --flow, --stream, --type, --from", WRONG_USE)
        replay_into(into, model, until)
        return
    if model:
        fail("--model needs --into", WRONG_USE)
    if resume and out is None:
        fail("--resume needs --out", WRONG_USE)
    if to_topic is not None and to_topic.startswith(OURS):
        fail(f"{to_topic} is one of the engine's own topics", WRONG_USE, "Choose another name.")
    moment(since, "--from")
    moment(until, "--to")
    wanted, target = Wanted(flow, stream, type_), Target(out, resume, to_topic, partitions, parquet)
    run(_replay(postgres_address(), wanted, (since, until), target))


async def _replay(
    dsn: str, wanted: Wanted, moments: tuple[str | None, str | None], target: Target
) -> None:
    first, last = moments
    async with reader(dsn) as connection:
        span = await span_of(connection, moment(first, "--from"), moment(last, "--to"))
        total = await count_events(connection, wanted, span.after, span.upto)
        typer.echo(
            f"{total:,} events ({wanted}), positions {span.after + 1:,} to {span.upto:,}", err=True
        )
        count = await _send(connection, wanted, span, target, total)
    typer.echo(f"replayed {count:,} events, up to position {span.upto:,}", err=True)


async def _send(
    connection: asyncpg.Connection, wanted: Wanted, span: Span, target: Target, total: int
) -> int:
    if target.parquet is not None:
        return await _to_parquet(connection, wanted, span, target.parquet)
    with progress_bar("events", total) as report:
        if target.topic is not None:
            address = kafka_address()
            partitions = await ensure_topic(address, target.topic, target.partitions)
            sink = KafkaEventSink(address, partitions, target.topic)
            try:
                return await replay_to_topic(connection, wanted, span, sink, report)
            finally:
                await sink.close()
        if target.file is not None:
            try:
                return await replay_to_file(
                    connection, wanted, span, target.file, report, resume=target.resume
                )
            except LineFileError as error:
                fail(str(error), REFUSED, error.todo)
        return await replay_to_lines(connection, wanted, span, _print, report)


async def _to_parquet(
    connection: asyncpg.Connection, wanted: Wanted, span: Span, folder: Path
) -> int:
    with analysis_extra():
        from danbao.archive.export import export  # noqa: PLC0415 - an extra, and slow
        from danbao.archive.manifest import read_manifest  # noqa: PLC0415
    before = read_manifest(folder)
    with progress_bar("positions", span.count) as report:
        after = await export(
            connection,
            folder,
            span.upto,
            wanted=wanted,
            after=span.after,
            report=lambda position: report(position - span.after),
        )
    return after.rows - (before.rows if before else 0)


def _print(lines: list[str]) -> None:
    try:
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
    except BrokenPipeError:  # who reads has seen enough; Python would complain once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit from None
