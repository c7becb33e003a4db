"""`danbao keys`: the keys that sign the log.  No command prints a private one."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer

from danbao.cli.connect import reader, run
from danbao.cli.exits import REFUSED, WRONG_USE, fail, settings
from danbao.cli.format import json_text, page, plain_table, time_text
from danbao.cli.stopped import postgres_here
from danbao.proofs.errors import ProofError
from danbao.proofs.note import PublicKey, open_note
from danbao.signing.errors import KeyExistsError, KeyMissingError, KeyUnsafeError
from danbao.signing.keys import KeyFolder, KnownKey

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
NewHistory = Annotated[
    bool,
    typer.Option("--new-history", help="The log lost what was signed: go on under another name."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Needed with --new-history.")]
KeyId = Annotated[str, typer.Option("--id", help="One of `danbao keys list`.")]

app = typer.Typer(help="Keys that sign the log: make, show, replace and list them.")


@app.command()
def generate(json: Json = False, new_history: NewHistory = False, yes: Yes = False) -> None:
    """Make the key of this engine's log; `danbao up` does so at its first start.

    Example: danbao keys generate
    """
    if new_history and not yes:
        fail(
            "what was signed before will never be continued",
            WRONG_USE,
            "See docs/how-to/prove-and-check.md; if that is what happened, add --yes.",
        )
    incarnation = _incarnation()
    with _refusals():
        _print_key(_folder().generate(incarnation, is_new_history=new_history), json=json)


@app.command()
def rotate(json: Json = False) -> None:
    """Replace the key that signs; the old one vouches for the new one, and is deleted.

    What it signed can be checked for ever. Give the new public key to whoever checks.

    Example: danbao keys rotate
    """
    incarnation = _incarnation()
    with _refusals():
        _print_key(_folder().rotate(incarnation), json=json)


@app.command()
def show(key_id: KeyId = "", json: Json = False) -> None:
    """Print the public key that signs, as one line for whoever checks.

    Example: danbao keys show > danbao.pub
    """
    with _refusals():
        known = _folder().public()
        wanted = [k.key for k in known if (k.key.id.hex() == key_id if key_id else k.is_active)]
        if not wanted:
            raise KeyMissingError(f"no such key in {_folder().path}")
    if len(wanted) > 1:
        fail("this home has keys of several logs", WRONG_USE, "Name one with --id.")
    _print_key(wanted[0], json=json)


@app.command("list")
def list_keys(json: Json = False) -> None:
    """List the public keys of this home, those that sign first.

    Example: danbao keys list
    """
    with _refusals():
        known = _folder().public()
        rows = [_row(each, [other.key for other in known]) for each in known]
    if json:
        typer.echo(json_text(rows))
        return
    table = plain_table("id", "signs", "time", "handed over by", "log")
    for each, row in zip(known, rows, strict=True):
        signs = "now" if each.is_active else "no more"
        by = str(row["handed_over_by"] or "-")
        table.add_row(each.key.id.hex(), signs, str(row["made_at"]), by, each.key.name)
    page().print(table)


def _row(known: KnownKey, others: Sequence[PublicKey]) -> Mapping[str, object]:
    made = datetime.fromtimestamp(known.path.stat().st_mtime, UTC)
    return {
        "id": known.key.id.hex(),
        "log": known.key.name,
        "signs": known.is_active,
        "made_at": time_text(made),
        "handed_over_by": _handed_over_by(known.key, others),
        "public": str(known.key),
    }


def _handed_over_by(key: PublicKey, others: Sequence[PublicKey]) -> str | None:
    """The id of the key that vouches for this one; None when none does."""
    note = _folder().handed_over_by(key)
    if note is None:
        return None
    try:
        text, signer = open_note(note, others)
    except ProofError:
        return None
    return signer.id.hex() if text == f"{key}\n" else None


def _print_key(key: PublicKey, *, json: bool) -> None:
    row = {"id": key.id.hex(), "log": key.name, "public": str(key)}
    typer.echo(json_text(row) if json else str(key))


def _folder() -> KeyFolder:
    return KeyFolder(settings().home.absolute())


def _incarnation() -> UUID:
    """Which log this home has; its engine may be stopped, or refuse to run."""

    async def ask() -> UUID:
        async with postgres_here(settings()) as dsn, reader(dsn) as connection:
            found = await connection.fetchval(
                "SELECT incarnation FROM danbao.log_heads WHERE shard = 0"
            )
        return UUID(bytes=found.bytes)

    return run(ask())


@contextmanager
def _refusals() -> Iterator[None]:
    """A key that is not there, there already, or not safe, ends the command with status 1."""
    try:
        yield
    except (KeyExistsError, KeyMissingError, KeyUnsafeError) as error:
        fail(f"{error.code}: {error}", REFUSED, error.todo)
