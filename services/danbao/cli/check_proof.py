"""`danbao check-proof`: is a proof good?  Asks no server."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from danbao.cli.exits import REFUSED, WRONG_USE, fail
from danbao.cli.format import json_text, page, plain_table, short_type
from danbao.proofs.document import ConsistencyProof, Proof, ProvedEvent, check_proof, read_proof
from danbao.proofs.errors import ProofError
from danbao.proofs.note import PublicKey, parse_public

Proof_ = Annotated[Path, typer.Argument(help="A file that `danbao prove` wrote.", metavar="FILE")]
Keys = Annotated[
    list[str],
    typer.Option("--key", help="A public key that you trust, or a file with some; repeatable."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def check(file: Proof_, key: Keys, json: Json = False) -> None:
    """Check a proof with public keys alone: no database, no Kafka, no trust in who wrote it.

    Status 1 when it proves nothing, with the reason.

    Example: danbao check-proof T-1.json --key danbao.pub
    """
    keys = read_keys(key)
    try:
        raw = file.read_bytes()
    except OSError as error:
        fail(f"{file} cannot be read: {error}", WRONG_USE)
    try:
        proof = read_proof(raw)
        checkpoint = check_proof(proof, keys)
    except ProofError as error:
        if json:
            typer.echo(json_text({"ok": False, "code": error.code, "why": str(error)}))
            raise typer.Exit(REFUSED) from error
        fail(f"{error.code}: {error}", REFUSED, "It proves nothing: ask for it again.")
    said = {"ok": True, "origin": checkpoint.origin, "size": checkpoint.size, **_said(proof)}
    if json:
        typer.echo(json_text(said))
        return
    typer.echo(f"the proof is good: {said['proves']}, signed as {checkpoint.origin}")
    if not isinstance(proof, ConsistencyProof):
        _show(proof.events)


def read_keys(texts: Sequence[str]) -> list[PublicKey]:
    """Read public keys, each given as text or in a file; ends the command when one is none."""
    keys = []
    for text in texts:
        try:
            path = Path(text)
            lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else [text]
            keys += [parse_public(line) for line in lines if line.strip()]
        except (ProofError, OSError, UnicodeDecodeError) as error:
            fail(f"key_malformed: {text[:80]!r} is no public key: {error}", WRONG_USE,
                 "`danbao keys show` prints one.")  # fmt: skip
    return keys


def _said(proof: Proof) -> Mapping[str, object]:
    """What a good proof proves."""
    if isinstance(proof, ConsistencyProof):
        return {"kind": "consistency", "proves": "the newer log continues the older one"}
    positions = [event.position for event in proof.events]
    words = f"{len(positions)} events are in the log as shown"
    return {"kind": "events", "proves": words, "about": proof.about, "positions": positions}


def _show(events: Sequence[ProvedEvent]) -> None:
    table = plain_table("position", "time", "event", "stream", "data", right=("position",))
    for event in events:
        table.add_row(
            str(event.position), event.recorded_at, short_type(event.type), event.stream, event.data
        )
    page().print(table)
