"""`danbao verify`: is the log what it was, and does everything follow from it?"""

import multiprocessing
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from danbao.cli.check_proof import read_keys
from danbao.cli.connect import known_addresses, postgres_address, reader, run
from danbao.cli.exits import REFUSED, WRONG_USE, fail, settings
from danbao.cli.format import json_text, page, plain_table
from danbao.cli.progress import progress_bar
from danbao.kernel.errors import UnavailableError
from danbao.kernel.settings import Settings
from danbao.proofs.errors import MalformedError
from danbao.proofs.note import PublicKey
from danbao.signing.checkpoint_file import CheckpointFile, split_file
from danbao.signing.checkpoint_topic import CheckpointTopic
from danbao.signing.keys import KeyFolder, log_name
from danbao.verification.checkpoints import Collection
from danbao.verification.verify import Verified
from danbao.verification.verify import verify as verify_log

SHOWN_MAX = 20
Checkpoints = Annotated[
    list[Path],
    typer.Option("--checkpoints", help="A file of checkpoints kept elsewhere; repeatable."),
]
Keys = Annotated[
    list[str],
    typer.Option("--key", help="A public key to trust beside this home's; repeatable."),
]
Jobs = Annotated[int, typer.Option(help="Processes; 0 takes one for each core.", min=0, max=256)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def verify(
    checkpoints: Checkpoints = [],  # noqa: B006 - typer copies it
    key: Keys = [],  # noqa: B006 - typer copies it
    jobs: Jobs = 0,
    json: Json = False,
) -> None:
    """Recompute everything from the log, and name the first position that is wrong.

    Positions, times, versions, ids, postings, hashes and the root; states, guarded balances,
    closings and read models; and every checkpoint of the table, this home's file, the topic, and
    --checkpoints. Nothing is changed; the engine may run. Status 1 when anything is wrong.

    Example: danbao verify --checkpoints kept-by-the-auditor.txt
    """
    begun = time.monotonic()
    chosen, dsn = settings(), postgres_address()
    notes = [(f"{path}", note) for path in checkpoints for note in _notes(path)]
    trusted = read_keys(key)
    found, asked_topic = run(_verify(chosen, dsn, notes, trusted, jobs or os.cpu_count() or 1))
    seconds = time.monotonic() - begun
    if json:
        typer.echo(json_text(_said(found, asked_topic, seconds)))
    else:
        _show(found, asked_topic, seconds)
    if found.count:
        raise typer.Exit(REFUSED)


async def _verify(
    chosen: Settings,
    dsn: str,
    notes: Sequence[tuple[str, str]],
    trusted: Sequence[PublicKey],
    jobs: int,
) -> tuple[Verified, bool]:
    home = chosen.home.absolute()
    async with reader(dsn) as connection:
        row = await connection.fetchrow(
            "SELECT position, incarnation FROM danbao.log_heads WHERE shard = 0"
        )
    assert row is not None
    log = log_name(UUID(bytes=row["incarnation"].bytes))
    known = [each.key for each in KeyFolder(home).public()]
    collection = Collection(log, (*known, *trusted))
    for place, note in notes:
        collection.add(place, note)
    file = CheckpointFile.of_home(home).path
    if file.exists():
        for note in _notes(file):
            collection.add(str(file), note)
    asked_topic = await _add_topic(chosen, collection, [each.name for each in known] or [log])
    processes = multiprocessing.get_context("spawn")
    with (
        progress_bar("events, twice", 2 * row["position"]) as report,
        ProcessPoolExecutor(jobs, processes) as pool,
    ):
        return await verify_log(dsn, collection, pool, report), asked_topic


async def _add_topic(chosen: Settings, collection: Collection, names: Sequence[str]) -> bool:
    """Take the last checkpoints of the topic; tells whether Kafka could be asked."""
    bootstrap = known_addresses(chosen).kafka_bootstrap
    if not bootstrap:
        return False
    topic = CheckpointTopic(bootstrap, chosen.partitions)
    try:
        for name in sorted(set(names)):
            if (note := await topic.last(name)) is not None:
                collection.add("the topic", note)
    except UnavailableError:
        return False
    return True


def _notes(path: Path) -> list[str]:
    """The notes of a file; one that has none ends the command."""
    try:
        raw = path.read_bytes()
        notes = list(split_file(raw if raw.endswith(b"\n\n") else raw + b"\n"))
    except (OSError, MalformedError) as error:
        fail(f"{path} cannot be read: {error}", WRONG_USE)
    if not notes:
        fail(f"{path} has no checkpoint", WRONG_USE, "See docs/reference/proofs.md.")
    return notes


def _said(found: Verified, asked_topic: bool, seconds: float) -> dict[str, object]:
    return {
        "ok": not found.count,
        "events": found.events,
        "root": found.root,
        "seconds": round(seconds, 2),
        "checked": found.checked,
        "topic_asked": asked_topic,
        "unknown_signers": found.unknown_signers,
        "first_position": found.first,
        "count": found.count,
        "problems": found.problems,
    }


def _show(found: Verified, asked_topic: bool, seconds: float) -> None:
    console = page()
    table = plain_table("checked", "count", right=("count",))
    for name, count in found.checked.items():
        table.add_row(name, f"{count:,}")
    console.print(table)
    if found.problems:
        wrong = plain_table("position", "code", "stream", "what", right=("position",))
        for each in found.problems[:SHOWN_MAX]:
            place = "-" if each.position is None else str(each.position)
            wrong.add_row(place, each.code, each.stream or "-", each.detail)
        console.print(wrong)
    if found.unknown_signers:
        console.print(f"{found.unknown_signers:,} checkpoints are signed by no known key: --key")
    if not asked_topic:
        console.print("Kafka was not asked")
    rate = found.events / seconds if seconds else 0
    console.print(f"{found.events:,} events in {seconds:.1f} s ({rate:,.0f} a second)")
    console.print(f"root {found.root}")
    if not found.count:
        signed = "the log is what was signed" if found.checked["checkpoints"] else "none was signed"
        console.print(f"everything follows from the log; {signed}")
        return
    first = "" if found.first is None else f"; the first wrong position is {found.first}"
    console.print(f"NOT as the log says: {found.count:,} problems{first}")
