"""`danbao simulate-market`: write a market day as three command files."""

from pathlib import Path
from typing import Annotated

import typer

from danbao.cli.exits import REFUSED, fail
from danbao.cli.format import json_text
from danbao.testing.market import simulate_market as make_day
from danbao.testing.market import write_market

Trades = Annotated[int, typer.Option(min=1, help="How many trades the day has.")]
Seed = Annotated[int, typer.Option(help="The same seed gives the same bytes.")]
Out = Annotated[Path, typer.Option(help="Folder to write into; it is made if need be.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def simulate_market(out: Out, trades: Trades = 3_000, seed: Seed = 7, json: Json = False) -> None:
    """Write a market day as three command files: accounts, trades, windows.

    Two seeds share no id, so several days may go into one engine.

    Example: danbao simulate-market --trades 300 --seed 7 --out market
    """
    try:
        paths = write_market(make_day(trades, seed), out)
    except OSError as error:
        fail(f"cannot write into {out}: {error.strerror}", REFUSED)
    if json:
        files = [{"path": str(path), "bytes": path.stat().st_size} for path in paths]
        typer.echo(json_text({"trades": trades, "seed": seed, "files": files}))
        return
    for path in paths:
        typer.echo(f"{path}  {path.stat().st_size:,} bytes")
    typer.echo(f"publish them: danbao publish {' '.join(str(path) for path in paths)}")
