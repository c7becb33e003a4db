"""`danbao prove`: proofs that a stranger checks with nothing but a public key."""

import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, TypeAlias

import asyncpg
import typer

from danbao.analysis.errors import NotThereError
from danbao.cli.connect import postgres_address, reader, run
from danbao.cli.exits import REFUSED, WRONG_USE, fail, settings
from danbao.cli.progress import progress_bar
from danbao.kernel.clock import SystemClock
from danbao.proofs.document import Proof, write_proof
from danbao.proofs.note import PublicKey
from danbao.signing.keys import KeyFolder
from danbao.verification.errors import NotSignedYetError
from danbao.verification.proving import Report, prove_consistency, prove_event, prove_trade

LOOK_AGAIN_S = 0.2
Out = Annotated[Path | None, typer.Option("--out", help="Write it to a file.", dir_okay=False)]
Wait = Annotated[
    float, typer.Option(help="Seconds to wait for a checkpoint that covers it.", min=0, max=3600)
]
Make: TypeAlias = Callable[[asyncpg.Connection, Sequence[PublicKey], Report], Awaitable[Proof]]

app = typer.Typer(help="Proofs about the log, to be checked by `danbao check-proof`, or without.")


@app.command()
def event(
    position: Annotated[int, typer.Argument(help="Position of the event.", min=1)],
    out: Out = None,
    wait: Wait = 10,
) -> None:
    """Prove that an event is in the log: its row, the path to the root, the signed checkpoint.

    Example: danbao prove event 7 --out event-7.json
    """
    _write(lambda connection, keys, report: prove_event(connection, position, keys, report),
           out, wait)  # fmt: skip


@app.command()
def trade(
    trade_id: Annotated[str, typer.Argument(metavar="TRADE", help="The trade's id.")],
    out: Out = None,
    wait: Wait = 10,
) -> None:
    """Prove everything that happened to a trade: each event, as it stands in the signed log.

    Example: danbao prove trade T-1 --out T-1.json
    """
    _write(lambda connection, keys, report: prove_trade(connection, trade_id, keys, report),
           out, wait)  # fmt: skip


@app.command()
def consistency(
    old: Annotated[str, typer.Argument(help="Size of a checkpoint, or a file that holds one.")],
    new: Annotated[
        int | None, typer.Argument(help="Size of a later one; else the newest.", min=0)
    ] = None,
    out: Out = None,
) -> None:
    """Prove that the log of a checkpoint continues that of an earlier one: nothing was changed.

    Example: danbao prove consistency yesterday.txt --out since-yesterday.json
    """
    known = _old(old)
    _write(lambda connection, keys, report: prove_consistency(connection, known, new, keys, report),
           out, 0)  # fmt: skip


def _old(text: str) -> int | str:
    """A size, or the note in a file."""
    if text.isascii() and text.isdecimal():
        return int(text)
    try:
        return Path(text).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{text} is no number, and no file with a checkpoint: {error}", WRONG_USE)


def _write(make: Make, out: Path | None, wait: float) -> None:
    """Make a proof and write it; what cannot be proved ends the command with status 1."""
    keys = [each.key for each in KeyFolder(settings().home.absolute()).public()]
    raw = write_proof(run(_make(postgres_address(), make, keys, wait)))
    if out is None:
        typer.echo(raw, nl=False)
        return
    out.write_bytes(raw)
    typer.echo(f"{out}: {len(raw):,} bytes; check it with `danbao check-proof`", err=True)


async def _make(dsn: str, make: Make, keys: Sequence[PublicKey], wait: float) -> Proof:
    clock, deadline = SystemClock(), time.monotonic() + wait
    async with reader(dsn) as connection:
        with progress_bar("leaves", 0) as report:
            while True:
                try:
                    return await make(connection, keys, report)
                except NotThereError as error:
                    is_late = time.monotonic() >= deadline
                    if is_late or not isinstance(error, NotSignedYetError):
                        fail(f"{error.code}: {error}", REFUSED, error.todo)
                    await clock.sleep(LOOK_AGAIN_S)
