"""`danbao publish`: command files go out, and it ends when everything is answered."""

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
import uvloop
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from danbao.cli.connect import kafka_address
from danbao.cli.exits import REFUSED, UNAVAILABLE, WRONG_USE, fail
from danbao.cli.format import count_text, json_text, page
from danbao.cli.publish_report import REFUSALS_SHOWN, stuck_json, summary_json, summary_tables
from danbao.publisher import (
    CommandFileError,
    FlowsStuckError,
    Limits,
    PublishError,
    Summary,
    read_command_file,
)
from danbao.publisher import Progress as Step
from danbao.publisher import publish as publish_files

Files = Annotated[
    list[str], typer.Argument(help="Command files, .jsonl or .jsonl.gz; - is standard input.")
]
InFlight = Annotated[int, typer.Option(min=1, help="Flows open at once.")]
Rate = Annotated[
    float | None,
    typer.Option(min=0.001, help="Flows started a second; without it one starts as one ends."),
]
Refusals = Annotated[
    str,
    typer.Option(
        metavar="N|all|none", help="How many refusals, and declines, are shown line by line."
    ),
]
FailOnRefusal = Annotated[
    bool,
    typer.Option("--fail-on-refusal", help="Status 1 when a command of the files was refused."),
]
Timeout = Annotated[
    float, typer.Option(min=0.1, help="Seconds without any progress after which flows are stuck.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

_DEFAULT = Limits()
_FAILURES = (CommandFileError, PublishError, KafkaError, OSError)


def publish(
    files: Files,
    in_flight: InFlight = _DEFAULT.in_flight,
    rate: Rate = None,
    timeout: Timeout = _DEFAULT.timeout_s,
    refusals: Refusals = str(REFUSALS_SHOWN),
    fail_on_refusal: FailOnRefusal = False,
    json: Json = False,
) -> None:
    """Publish command files one after the other, and wait until every command is answered.

    A file that was published before ends at once and adds nothing. What was refused or declined
    is shown line by line: FILE:LINE, the command's id, type, code and facts.

    Status 0: every command was answered, refusals included; 1: flows are stuck, each is listed
    with what it waits for, or, with --fail-on-refusal, a command of the files was refused, now or
    in an earlier run; 2: a broken line, named as FILE:LINE before anything went out; 3: no engine.

    Example: danbao publish market/*.jsonl.gz --in-flight 500

    Example: danbao publish today.jsonl --refusals all --fail-on-refusal
    """
    shown_max = _shown_max(refusals)
    for file in files:
        if file != "-" and not Path(file).is_file():
            fail(f"{file}: there is no such file", WRONG_USE)
    limits = Limits(in_flight=in_flight, rate=rate, timeout_s=timeout)
    try:
        summary = publish_and_show(kafka_address(), files, limits, quiet=json)
    except FlowsStuckError as error:
        if json:
            typer.echo(json_text(stuck_json(error)))
        fail(str(error), REFUSED, error.todo)
    except _FAILURES as error:
        _fail(error)
    if json:
        typer.echo(json_text(summary_json(summary)))
    else:
        console = page()
        for table in summary_tables(summary, shown_max):
            console.print(table)
    if fail_on_refusal and summary.refused:
        refused = count_text(len(summary.refused), "command")
        fail(f"refused: {refused} of these files", REFUSED)


def _shown_max(text: str) -> int | None:
    """Parse `all`, `none` or a number; None means all."""
    if text in {"all", "none"}:
        return None if text == "all" else 0
    if not text.isdecimal():
        fail(f"--refusals {text}: expected a number, all or none", WRONG_USE)
    return int(text)


def _fail(error: Exception) -> NoReturn:
    """End the command: a file that cannot be used, or a Kafka that does not answer."""
    match error:
        case CommandFileError():
            todo = "Nothing was published. Mend the line, then publish the file again."
            fail(str(error), WRONG_USE, todo)
        case PublishError():
            fail(str(error), UNAVAILABLE, "`danbao doctor` looks at Kafka and its topics.")
        case OSError() if error.filename is not None:
            fail(f"{error.filename}: {error.strerror}", WRONG_USE)
        case _:
            fail(f"Kafka does not answer: {error!r}", UNAVAILABLE)


def publish_and_show(bootstrap: str, files: list[str], limits: Limits, *, quiet: bool) -> Summary:
    """Publish with a progress bar on the error output.

    Raises:
        CommandFileError: a broken line; nothing was published then.
        FlowsStuckError: nothing moved for `limits.timeout_s`.
        PublishError: no such service, or Kafka does not take the commands.
    """
    with Progress(
        TextColumn("publishing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("lines, {task.fields[answered]} answered, {task.fields[flows]} flows open"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=quiet or not sys.stderr.isatty(),
    ) as bar:
        task = bar.add_task("publish", total=None, answered=0, flows=0)

        def show(step: Step) -> None:
            bar.update(
                task,
                completed=step.lines_done,
                total=step.lines_total,
                answered=step.answered,
                flows=step.open_flows,
            )

        lines = [read_command_file(file) for file in files]
        return uvloop.run(publish_files(bootstrap, lines, limits=limits, progress=show))
